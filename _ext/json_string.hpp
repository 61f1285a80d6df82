// A JSON string as an automaton: a prefix (white space), a quote, escaped text of a content language, a quote.
//
// The content automaton reads the UTF-8 bytes of the decoded text. This layer decodes: a raw byte steps it directly, an
// escape (`\n`, `\u0061`, a surrogate pair) steps it by the bytes of the character that it stands for. So products,
// complements and literal tries work on decoded text, stay small, and every spelling of an allowed text is allowed.
// Half an escape is alive only if some allowed character completes it. States exist only once they are reached.
#pragma once

#include "product.hpp"

namespace tokentrellis {

// Where a JSON string automaton stands. `digits`: hex digits read; `value`: what they spell so far; `high`: the high
// surrogate already read.
struct StringPosition {
    Phase phase;
    uint8_t digits;
    uint16_t value, high;
    int32_t inner;  // the state of the prefix automaton, of the content automaton, or the label (CLOSED)
};

inline int encode_utf8(uint32_t character, uint8_t* out) {
    if (character < 0x80) return out[0] = static_cast<uint8_t>(character), 1;
    int n = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; --i, character >>= 6) out[i] = 0x80 | (character & 0x3F);
    out[0] = static_cast<uint8_t>(n == 2 ? 0xC0 | character : n == 3 ? 0xE0 | character : 0xF0 | character);
    return n;
}

// Append a byte of a text as it stands in a JSON string.
inline void append_escaped(std::string& text, uint8_t byte) {
    static const char digits[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') text += '\\', text += static_cast<char>(byte);
    else if (byte == '\n') text += "\\n";
    else if (byte == '\t') text += "\\t";
    else if (byte == '\r') text += "\\r";
    else if (byte == '\b') text += "\\b";
    else if (byte == '\f') text += "\\f";
    else if (byte < 0x20) text += "\\u00", text += digits[byte >> 4], text += digits[byte & 15];
    else text += static_cast<char>(byte);
}

inline int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

inline int simple_escape(uint8_t byte) {
    switch (byte) {
        case '"': case '\\': case '/': return byte;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return -1;
    }
}

inline bool is_high_surrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
inline bool is_low_surrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }
inline uint32_t join_surrogates(uint32_t high, uint32_t low) { return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00); }

// Calls `exists(first, last)` for each range of characters that can still follow from half an escape.
template <class Exists>
bool any_completion(const StringPosition& p, Exists exists) {
    switch (p.phase) {
        case ESCAPE:
            return exists(0, 0xD7FF) || exists(0xE000, 0x10FFFF);
        case HEX: {
            uint32_t shift = 4 * (4 - p.digits), first = static_cast<uint32_t>(p.value) << shift, last = first + (1u << shift) - 1;
            if (first < 0xD800 && exists(first, std::min(last, 0xD7FFu))) return true;
            if (last >= 0xE000 && exists(std::max(first, 0xE000u), last)) return true;
            if (first >= 0xDC00 || last < 0xD800) return false;
            uint32_t low = std::max(first, 0xD800u), high = std::min(last, 0xDBFFu);
            return exists(join_surrogates(low, 0xDC00), join_surrogates(high, 0xDFFF));
        }
        case LOW_BACKSLASH:
        case LOW_U:
            return exists(join_surrogates(p.high, 0xDC00), join_surrogates(p.high, 0xDFFF));
        case LOW_HEX: {
            uint32_t shift = 4 * (4 - p.digits), first = static_cast<uint32_t>(p.value) << shift, last = first + (1u << shift) - 1;
            first = std::max(first, 0xDC00u), last = std::min(last, 0xDFFFu);
            return first <= last && exists(join_surrogates(p.high, first), join_surrogates(p.high, last));
        }
        default:
            return true;
    }
}

// Whether some character of [first, last] leads from the content state to a live state that is accepted. `accept` is asked
// about each state reached (and the first character that leads there), but only once for neighbours that go the same way.
template <class Accept>
bool any_encoding(Automata& automata, int32_t state, uint32_t low, uint32_t high, int remaining, int length, Accept& accept, uint32_t above = 0) {
    const uint32_t shift = 6 * remaining, mask = (1u << shift) - 1;  // `remaining` bytes follow this one
    const uint8_t lead = remaining < length - 1 ? 0x80 : length == 1 ? 0 : length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0;
    int32_t refused = DEAD;  // a state from which the whole range of what remains was refused
    for (uint32_t part = low >> shift; part <= high >> shift; ++part) {
        int32_t to = automata.step(state, static_cast<uint8_t>(lead | part));
        if (to == DEAD) continue;
        uint32_t base = part << shift, from = low > base ? low & mask : 0, upto = high < base + mask ? high & mask : mask;
        bool whole = from == 0 && upto == mask;
        if (whole && to == refused) continue;
        bool found;
        if (remaining > 0) found = any_encoding(automata, to, from, upto, remaining - 1, length, accept, above | base);
        else if constexpr (std::is_invocable_v<Accept&, int32_t, uint32_t>) found = accept(to, above | part);
        else found = accept(to);
        if (found) return true;
        if (whole) refused = to;
    }
    return false;
}

template <class Accept>
bool any_character(Automata& automata, int32_t state, uint32_t first, uint32_t last, Accept accept) {
    static const uint32_t bounds[] = {0, 0x80, 0x800, 0x10000, 0x110000};
    for (int n = 1; n <= 4; ++n) {
        uint32_t low = std::max(first, bounds[n - 1]), high = std::min(last, bounds[n] - 1);
        if (low <= high && any_encoding(automata, state, low, high, n - 1, n, accept)) return true;
    }
    return false;
}

class StringAutomaton final : public Automaton {
public:
    StringAutomaton(Automata& automata, int32_t id, int32_t content) : content(content), id_(id) {
        body_start = intern(automata, {BODY, 0, 0, 0, content});
        universal = is_universal(automata);
    }

    const int32_t content;  // start state of the content automaton
    int32_t body_start;     // just after the opening quote
    bool universal;         // the content is all text: no character ever matters

    int32_t start_with(Automata& automata, int32_t prefix) { return intern(automata, {PREFIX, 0, 0, 0, prefix}); }

    const StringPosition& position(int32_t local) const { return positions_[local]; }
    bool is_string() const override { return true; }

    void compute(Automata& automata, int32_t state, uint8_t byte) override {
        StringPosition p = positions_[automata.info[state].local];
        StringPosition to = p;
        int32_t result = advance(automata, p, byte, to) ? intern(automata, to) : DEAD;
        automata.set(state, byte, result);
    }

private:
    int32_t id_;
    std::vector<StringPosition> positions_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_;

    int32_t intern(Automata& automata, const StringPosition& p) {
        std::vector<int32_t> key{p.phase | p.digits << 8, p.value << 16 | p.high, p.inner};
        auto found = index_.find(key);
        if (found != index_.end()) return found->second;
        int32_t state = automata.add_state(id_, static_cast<int32_t>(positions_.size()), p.phase == CLOSED ? p.inner : -1, p.phase == CLOSED, p.phase);
        positions_.push_back(p);
        index_.emplace(std::move(key), state);
        return state;
    }

    bool read_character(Automata& automata, uint32_t character, StringPosition& p) {
        uint8_t bytes[4];
        p.inner = automata.walk(p.inner, bytes, encode_utf8(character, bytes));
        p.phase = BODY;
        p.digits = 0, p.value = 0, p.high = 0;
        return p.inner != DEAD;
    }

    bool advance(Automata& automata, const StringPosition& p, uint8_t byte, StringPosition& to) {
        switch (p.phase) {
            case PREFIX:
                if (byte == '"' && automata.label(p.inner) >= 0) {
                    to = {BODY, 0, 0, 0, content};
                    return true;
                }
                to.inner = automata.step(p.inner, byte);
                return to.inner != DEAD;
            case BODY:
                if (byte == '"') {
                    to = {CLOSED, 0, 0, 0, automata.label(p.inner)};
                    return to.inner >= 0;
                }
                if (byte == '\\') {
                    to.phase = ESCAPE;
                    return completable(automata, to);
                }
                if (byte < 0x20) return false;
                to.inner = automata.step(p.inner, byte);
                return to.inner != DEAD;
            case ESCAPE: {
                if (byte == 'u') {
                    to.phase = HEX;
                    return completable(automata, to);
                }
                int character = simple_escape(byte);
                return character >= 0 && read_character(automata, character, to);
            }
            case HEX:
            case LOW_HEX: {
                int digit = hex_digit(byte);
                if (digit < 0) return false;
                to.value = static_cast<uint16_t>(p.value << 4 | digit);
                to.digits = p.digits + 1;
                if (to.digits < 4) return completable(automata, to);
                if (p.phase == LOW_HEX) return is_low_surrogate(to.value) && read_character(automata, join_surrogates(p.high, to.value), to);
                if (is_high_surrogate(to.value)) {
                    to = {LOW_BACKSLASH, 0, 0, to.value, p.inner};
                    return completable(automata, to);
                }
                return !is_low_surrogate(to.value) && read_character(automata, to.value, to);
            }
            case LOW_BACKSLASH:
                to.phase = LOW_U;
                return byte == '\\';
            case LOW_U:
                to.phase = LOW_HEX;
                return byte == 'u';
            default:
                return false;
        }
    }

    bool completable(Automata& automata, const StringPosition& p) {
        const bool exists = any_completion(p, [&](uint32_t first, uint32_t last) {
            return any_character(automata, p.inner, first, last, [](int32_t) { return true; });
        });
        return exists && (automata.all_usable || writable(automata, p));
    }

    // Whether the rest of an escape can be written with the bytes that the vocabulary has.
    bool writable(Automata& automata, const StringPosition& p) {
        for (int byte = 0; byte < 0x80; ++byte) {
            StringPosition to = p;
            if (contains(automata.usable, byte) && advance(automata, p, static_cast<uint8_t>(byte), to)) return true;
        }
        return false;
    }

    // All text: the start accepts, and every character leads back to it.
    bool is_universal(Automata& automata) {
        if (!automata.all_usable || automata.label(content) < 0) return false;
        auto all = [&](int32_t from, int first, int last, auto check) {
            for (int byte = first; byte <= last; ++byte) {
                int32_t to = automata.step(from, static_cast<uint8_t>(byte));
                if (to == DEAD || !check(to)) return false;
            }
            return true;
        };
        auto back = [&](int32_t s) { return s == content; };
        std::unordered_map<int64_t, bool> memo;
        auto one = [&](int32_t s) {
            auto it = memo.find(s);
            return it != memo.end() ? it->second : (memo[s] = all(s, 0x80, 0xBF, back));
        };
        auto two = [&](int32_t s) {
            int64_t key = s | 1ll << 40;
            auto it = memo.find(key);
            return it != memo.end() ? it->second : (memo[key] = all(s, 0x80, 0xBF, one));
        };
        return all(content, 0x00, 0x7F, back) && all(content, 0xC2, 0xDF, one) &&
               all(content, 0xE0, 0xE0, [&](int32_t s) { return all(s, 0xA0, 0xBF, one); }) && all(content, 0xE1, 0xEC, two) &&
               all(content, 0xED, 0xED, [&](int32_t s) { return all(s, 0x80, 0x9F, one); }) && all(content, 0xEE, 0xEF, two) &&
               all(content, 0xF0, 0xF0, [&](int32_t s) { return all(s, 0x90, 0xBF, two); }) &&
               all(content, 0xF1, 0xF3, [&](int32_t s) { return all(s, 0x80, 0xBF, two); }) &&
               all(content, 0xF4, 0xF4, [&](int32_t s) { return all(s, 0x80, 0x8F, two); });
    }
};

}  // namespace tokentrellis
