// JSON values by meaning: equal values are one number.
//
// In come decoded strings, numbers as they are written, words, and the numbers of what arrays and objects hold; out come
// numbers, one for each different value, and the values as JSON. So to compare two values, however large, is to compare two
// integers. Numbers are compared as exact decimals, never as floats. Lists of values are told apart by digests of 64 bits.
// Cost: one look-up for a value.
#pragma once

#include "json_string.hpp"

namespace tokentrellis {

// A number as sign, significant digits and exponent: equal numbers are equal texts. Empty if the text is no whole number yet.
inline std::string canonical_number(const std::string& text) {
    size_t i = 0;
    const bool negative = i < text.size() && text[i] == '-';
    i += negative;
    std::string digits;
    int64_t exponent = 0;
    size_t before = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) digits += text[i];
    if (i == before) return {};
    if (i < text.size() && text[i] == '.') {
        size_t first = ++i;
        for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) digits += text[i], --exponent;
        if (i == first) return {};
    }
    if (i < text.size() && (text[i] | 0x20) == 'e') {
        ++i;
        bool minus = i < text.size() && text[i] == '-';
        if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
        if (i == text.size()) return {};
        int64_t power = 0;
        for (; i < text.size(); ++i) power = std::min<int64_t>(power * 10 + (text[i] - '0'), 1ll << 40);
        exponent += minus ? -power : power;
    }
    if (i < text.size()) return {};
    size_t first = digits.find_first_not_of('0');
    if (first == std::string::npos) return "0";
    digits.erase(0, first);
    while (digits.back() == '0') digits.pop_back(), ++exponent;
    return (negative ? "-" : "") + digits + "e" + std::to_string(exponent);
}

// Whether a number that begins like `text` can still equal `value` (a canonical number): its digits so far are the first
// significant digits of the value, or these and zeros. Never wrongly false.
inline bool number_may_become(const char* text, size_t length, const std::string& value) {
    const bool negative = length > 0 && text[0] == '-';
    size_t at = value[0] == '-';  // the next digit of the value
    bool begun = false;
    for (size_t i = negative; i < length && (text[i] | 0x20) != 'e'; ++i) {
        if (text[i] == '.' || (text[i] == '0' && !begun)) continue;
        if (!begun && (value == "0" || negative != (at == 1))) return false;
        begun = true;
        if (at < value.size() && value[at] != 'e' ? text[i] != value[at++] : text[i] != '0') return false;
    }
    return true;  // only zeros so far, or the value's digits
}

// A number without the zeros that its exponent begins with: whatever comes after both, they are equal.
inline std::string shortened_exponent(std::string number) {
    size_t first = number.find_first_of("eE");
    if (first == std::string::npos) return number;
    ++first;
    if (first < number.size() && (number[first] == '-' || number[first] == '+')) ++first;
    size_t last = first;
    while (last + 1 < number.size() && number[last] == '0') ++last;
    return number.erase(first, last - first);
}

// Lists of values are told apart by a digest of 64 bits, to which a value is added and from which it is taken in one step.
constexpr uint64_t MULTIPLIER = 0x9E3779B97F4A7C15ull;
constexpr uint64_t inverse_of(uint64_t odd) {
    uint64_t inverse = odd;
    for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
    return inverse;
}
inline uint64_t hash_text(const std::string& text) { return std::hash<std::string>()(text) * MULTIPLIER + text.size(); }

// All values that a tracker and its copies have met, each once.
class ValueTable {
public:
    enum Kind : char { TEXT = 's', NUMBER = 'n', WORD = 'w', ARRAY = 'a', OBJECT = 'o' };
    struct Value {
        Kind kind;
        std::string text;                                        // decoded string, canonical number, or true/false/null
        std::vector<int32_t> items;                              // of an array; of an object, beside `keys`
        std::vector<std::string> keys;                           // sorted
        uint64_t hash = 0;                                       // the same in all tables

        // The place of a member of an object; the number of items if there is none.
        size_t find_member(const std::string& key) const {
            auto found = std::lower_bound(keys.begin(), keys.end(), key);
            return found != keys.end() && *found == key ? static_cast<size_t>(found - keys.begin()) : items.size();
        }
    };

    const Value& operator[](int32_t id) const { return values_[id]; }

    // Values are sorted by kind, then by text; those without a text by number.
    bool is_before(int32_t a, int32_t b) const {
        if (a == b) return false;
        const Value &one = values_[a], &other = values_[b];
        if (one.kind != other.kind) return one.kind < other.kind;
        const int order = one.text.compare(other.text);
        return order != 0 ? order < 0 : a < b;
    }
    // Of sorted values those of a kind whose text begins so: indices.
    std::pair<size_t, size_t> that_begin(const std::vector<int32_t>& sorted, Kind kind, const char* text, size_t length) const {
        auto order = [&](int32_t id) {
            const Value& value = values_[id];
            return value.kind != kind ? value.kind - kind : value.text.compare(0, length, text, length);
        };
        const auto first = std::partition_point(sorted.begin(), sorted.end(), [&](int32_t id) { return order(id) < 0; });
        const auto last = std::partition_point(first, sorted.end(), [&](int32_t id) { return order(id) == 0; });
        return {first - sorted.begin(), last - sorted.begin()};
    }
    std::pair<size_t, size_t> that_begin(const std::vector<int32_t>& sorted, Kind kind, const std::string& text) const { return that_begin(sorted, kind, text.data(), text.size()); }
    // Whether that value is among them.
    bool has(const std::vector<int32_t>& sorted, Kind kind, const std::string& text) const {
        const auto [first, last] = that_begin(sorted, kind, text);  // the shortest comes first
        return first < last && values_[sorted[first]].text.size() == text.size();
    }

    int32_t add(Value value) {
        std::string key(1, value.kind);
        key += value.text;
        for (size_t i = 0; i < value.items.size(); ++i) {
            key.append(reinterpret_cast<const char*>(&value.items[i]), sizeof(int32_t));
            if (value.kind == OBJECT) key += value.keys[i] + '\xFF';
        }
        auto [found, is_new] = ids_.emplace(std::move(key), static_cast<int32_t>(values_.size()));
        if (!is_new) return found->second;
        value.hash = hash_text(value.text) * 31 + static_cast<uint64_t>(value.kind);
        for (size_t i = 0; i < value.items.size(); ++i) {
            value.hash = value.hash * MULTIPLIER + values_[value.items[i]].hash;
            if (value.kind == OBJECT) value.hash = value.hash * MULTIPLIER + hash_text(value.keys[i]);
        }
        values_.push_back(std::move(value));
        return found->second;
    }

    // Append a value as JSON. Raises LimitError for one that nests too deep.
    void write(int32_t id, std::string& out, int depth = 0) const {
        if (depth > MOST_LEVELS) throw LimitError("levels of an item that an array may have to repeat", MOST_LEVELS);
        const Value& value = values_[id];
        if (value.kind == TEXT) return write_string(value.text, out);
        if (value.kind == NUMBER || value.kind == WORD) {
            out += value.text;
            return;
        }
        out += value.kind == OBJECT ? '{' : '[';
        for (size_t i = 0; i < value.items.size(); ++i) {
            if (i > 0) out += ',';
            if (value.kind == OBJECT) write_string(value.keys[i], out), out += ':';
            write(value.items[i], out, depth + 1);
        }
        out += value.kind == OBJECT ? '}' : ']';
    }

private:
    static constexpr int MOST_LEVELS = 500;

    static void write_string(const std::string& text, std::string& out) {
        out += '"';
        for (char c : text) append_escaped(out, static_cast<uint8_t>(c));
        out += '"';
    }

    std::vector<Value> values_;
    std::unordered_map<std::string, int32_t> ids_;
};

}  // namespace tokentrellis
