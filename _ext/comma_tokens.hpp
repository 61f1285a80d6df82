// The tokens with a comma, by what of a JSON text they can read before and after it; and those that close an array.
//
// A token that goes past a comma may complete a key or an item and begin another: where nothing may repeat, only these
// tokens need a look beyond what they begin with (repetitions.hpp); where something must, those that close its array. In come
// the bytes of all tokens, out come short lists (Llama-3: 861 tokens with a comma, 169 with a quote before it); made once for a
// vocabulary, in about a millisecond.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

namespace tokentrellis {

class CommaTokens {
public:
    enum Trait : uint8_t {
        COMMA = 1,
        CLOSES_STRING = 2,  // there is a quote before a comma
        TWO_KEYS = 4,       // it can read two whole keys
        KEY_FIRST = 8,      // it can read a whole key, its value and the comma
        OPENS_ARRAY = 16,   // of any token, with a comma or without
        QUOTE = 32,         // the same
        OPENS_OBJECT = 64,  // the same
        LEAVES_TEXT = 128,  // the same, and of a token without text: within a string, it may end it or begin an escape
    };
    std::vector<int32_t> completing;          // something may be complete after the comma
    std::vector<int32_t> others, others_after_quote;
    std::vector<int32_t> first_and_more;      // the key or item before the comma may be whole, too
    std::vector<int32_t> opening_arrays;
    std::vector<int32_t> closing_arrays;      // with a comma or without
    std::vector<int32_t> before_blanks;       // that may complete an item and go on with blanks, and have no comma
    std::vector<uint8_t> traits;   // by token
    std::vector<uint8_t> closers;  // by token: its closing brackets
    std::vector<int32_t> endings;  // by token: the number of what it is from its first quote on; -1: has none, or a backslash before it
    int32_t n_endings = 0;

    CommaTokens(const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens) : traits(n_tokens, 0), closers(n_tokens, 0), endings(n_tokens, -1) {
        std::unordered_map<std::string, int32_t> numbers;
        for (int32_t token = 0; token < n_tokens; ++token) {
            const char *begin = reinterpret_cast<const char*>(buffer) + offsets[token], *end = reinterpret_cast<const char*>(buffer) + offsets[token + 1];
            const char* comma = static_cast<const char*>(std::memchr(begin, ',', end - begin));
            const char* quote = std::find(begin, end, '"');
            const bool bracket = std::find(begin, end, '[') != end;
            const bool brace = std::find(begin, end, '{') != end;
            const bool leaves_text = begin == end || quote != end || std::find(begin, end, '\\') != end;
            traits[token] = static_cast<uint8_t>((leaves_text ? LEAVES_TEXT : 0) | (quote != end ? QUOTE : 0) | (bracket ? OPENS_ARRAY : 0) | (brace ? OPENS_OBJECT : 0));
            closers[token] = static_cast<uint8_t>(std::min<size_t>(255, std::count_if(begin, end, [](char c) { return c == ']' || c == '}'; })));
            if (std::find(begin, end, ']') != end) closing_arrays.push_back(token);
            if (comma == nullptr) {
                if (std::adjacent_find(begin, end, [](char c, char next) { return is_blank(next) && completes_item(c); }) != end) before_blanks.push_back(token);
                continue;
            }
            const bool closes = std::find(quote, end, ',') != end;
            if (quote != end && std::find(begin, quote, '\\') == quote) endings[token] = numbers.emplace(std::string(quote, end), n_endings).first->second;
            n_endings = static_cast<int32_t>(numbers.size());
            // What is complete after the comma needs a digit, a word, a bracket or two quotes there.
            bool completes = false;
            int quotes = 0;
            for (const char* at = comma + 1; at < end; ++at) {
                quotes += *at == '"';
                completes |= (*at != '"' && completes_item(*at)) || quotes == 2;
            }
            const bool colon = std::find(begin, end, ':') != end;
            traits[token] |= static_cast<uint8_t>(COMMA | (closes ? CLOSES_STRING : 0) | (colon && quotes >= 2 ? TWO_KEYS : 0) |
                                                 (colon ? KEY_FIRST : 0));
            if (completes) {
                completing.push_back(token);
            } else {
                others.push_back(token);
                if (closes) others_after_quote.push_back(token);
            }
            if (colon || bracket) first_and_more.push_back(token);
            if (bracket) opening_arrays.push_back(token);
        }
    }

private:
    static bool completes_item(char c) { return (c >= '0' && c <= '9') || c == '"' || c == ']' || c == '}' || c == 'e' || c == 'l'; }
    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
};

}  // namespace tokentrellis
