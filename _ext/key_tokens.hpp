// The tokens that close a key of an object, by the text that they read of it.
//
// Whether a key comes a second time is decided where its closing quote is read. So a row needs no walk of the vocabulary:
// for each key already there, the tokens that would complete it are looked up by what is left of it, in whatever way
// they spell it. In come the bytes of all tokens, out come two indices (Llama-3: some 3,000 tokens have a quote); made
// once for a vocabulary, in about a millisecond.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "json_string.hpp"

namespace tokentrellis {

class KeyTokens {
public:
    using Index = std::unordered_map<std::string, std::vector<int32_t>>;

    Index closing;                 // tokens that close a key begun before them, by what they read of it
    Index whole;                   // tokens that read a whole key, after white space
    std::vector<int32_t> several;  // tokens that can close a key after a comma of theirs
    std::vector<int32_t> unclear;  // tokens with half of a character in an escape: nothing is known about them
    size_t longest_closing = 0, longest_whole = 0;

    KeyTokens(const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens) {
        for (int32_t token = 0; token < n_tokens; ++token) {
            const uint8_t *begin = buffer + offsets[token], *end = buffer + offsets[token + 1];
            if (begin == end || std::memchr(begin, '"', end - begin) == nullptr) continue;
            const uint8_t* comma = std::find(begin, end, ',');
            if (std::count(comma, end, '"') >= 2) several.push_back(token);
            add(closing, longest_closing, token, begin, end);
            while (*begin == ' ' || *begin == '\t' || *begin == '\n' || *begin == '\r') ++begin;
            if (*begin == '"') add(whole, longest_whole, token, begin + 1, end);
        }
    }

    // The tokens with this text before their closing quote, or null.
    static const std::vector<int32_t>* find(const Index& index, size_t longest, const std::string& key, size_t read) {
        if (key.size() - read > longest) return nullptr;
        auto found = index.find(key.substr(read));
        return found == index.end() ? nullptr : &found->second;
    }

private:
    void add(Index& index, size_t& longest, int32_t token, const uint8_t* begin, const uint8_t* end) {
        std::string text;
        while (begin != end) {
            uint8_t byte = *begin++;
            if (byte == '"') {
                longest = std::max(longest, text.size());
                index[text].push_back(token);
                return;
            }
            if (byte != '\\') {
                text.push_back(static_cast<char>(byte));
                continue;
            }
            if (begin == end) return;
            byte = *begin++;
            if (byte != 'u') {
                const int character = simple_escape(byte);
                if (character < 0) return;
                text.push_back(static_cast<char>(character));
                continue;
            }
            uint32_t unit = 0;
            for (int i = 0; i < 4; ++i, ++begin) {
                if (begin == end || hex_digit(*begin) < 0) return;
                unit = unit << 4 | static_cast<uint32_t>(hex_digit(*begin));
            }
            if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
                unclear.push_back(token);
                return;
            }
            uint8_t bytes[4];
            text.append(reinterpret_cast<const char*>(bytes), encode_utf8(unit, bytes));
        }
    }
};

}  // namespace tokentrellis
