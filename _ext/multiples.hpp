// Multiples of large numbers: the automaton of the bounds beside a remainder, states made when met.
//
// In come an explicit automaton of decimal numbers and divisors (`grammars/multiples.py`, the slow twin of this file, has
// the idea), out come states: (state of the bounds, decimals read, remainder of all digits), interned, and for each the
// bytes to its end. Nothing is searched: where only the number of digits to come counts, n of them reach an interval of
// 10^n values, and whether it has a right one is one division; elsewhere the digits begin a bound, ten ways a step.
// About 1 us for a state.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bits.hpp"
#include "expressions.hpp"

namespace tokentrellis {

class Multiples {
public:
    using Integer = Unsigned128;  // values below 10^36 and ten times that
    static constexpr int32_t NONE = -1;
    static constexpr int32_t MOST_DIGITS = 36;  // of the common multiple of all divisors, and room to try 2^k candidates

    Multiples(const ExpressionNode& base, const ExpressionNode& node) : power_(node.least), edges_(base.n_states), accepting_(base.n_states, 0) {
        for (auto& row : edges_) row.fill(NONE);
        for (const Transition& t : base.transitions)
            for (int symbol = 0; symbol < SYMBOLS; ++symbol)
                if (contains(t.bytes, BYTES[symbol])) edges_[t.from][symbol] = t.to;
        for (int32_t state : base.accepting) accepting_[state] = 1;
        find_free_states();
        std::vector<Integer> divisors;
        for (const std::string& digits : node.divisors) divisors.push_back(integer(digits));
        any_value_ = divisors[0] == 0;  // no divisor is wanted
        if (any_value_) divisors[0] = 1;
        for (Integer divisor : divisors) common_ = common_ / greatest_divisor(common_, divisor) * divisor;
        for (int32_t read = 0; read <= power_; ++read) {
            const Integer missing = power_of_ten(power_ - read);
            divisors_.emplace_back();
            for (Integer divisor : divisors) divisors_.back().push_back(divisor / greatest_divisor(divisor, missing));
        }
        for (int32_t digits = 0; digits <= MOST_DIGITS + 1; ++digits) widths_.push_back(power_of_ten(digits));
        shifts_.push_back(1 % common_);
        most_ = base.n_states + power_ + 1;
        for (Integer left = common_ << (divisors.size() - 1); left > 0; left /= 10) ++most_;
        while (shifts_.size() < static_cast<size_t>(2 * most_)) shifts_.push_back(shifts_.back() * 10 % common_);
        intern({0, -1, 0});
    }

    struct State {
        int32_t bounds, decimals;  // -1: before the point; power_ + 1: a digit after the last that counts was not 0
        Integer remainder;
        bool operator==(const State& other) const {
            return bounds == other.bounds && decimals == other.decimals && remainder == other.remainder;
        }
    };

    // The state after a byte; NONE: no text goes on so. State 0 is the start.
    int32_t step(int32_t from, uint8_t byte) {
        State to;
        if (!advance(states_[from], byte, to)) return NONE;
        auto found = index_.find(to);
        return found != index_.end() ? found->second : intern(to);
    }
    const State& state(int32_t number) const { return states_[number]; }

    // The same without a number. Only states that can be completed are reached.
    bool advance(const State& from, uint8_t byte, State& to) const {
        if (byte < BYTES.front() || byte > BYTES.back() || byte == '/') return false;
        return move(from, byte - BYTES.front() - (byte > '/'), to) && completes(to);
    }
    bool accepts(const State& s) const {
        if (!accepting_[s.bounds]) return false;
        return s.decimals > power_ || is_right(s.remainder, divisors_[std::max(s.decimals, 0)]);
    }

    // The first of the shortest texts to the end.
    std::string shortest_text(const State& start) const {
        std::string best;
        bool found = false;
        search(start, [&](const std::string& text) {
            if (!found || text.size() < best.size() || (text.size() == best.size() && text < best)) best = text;
            found = true;
            return best.size();
        });
        return best;
    }

    static constexpr int SYMBOLS = 12, MINUS = 0, POINT = 1, ZERO = 2;  // ascending
    static constexpr std::array<uint8_t, SYMBOLS> BYTES = {'-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'};

private:
    struct StateHash {
        size_t operator()(const State& s) const {
            uint64_t h = (static_cast<uint64_t>(s.bounds) << 32 ^ static_cast<uint32_t>(s.decimals)) * 0x9E3779B97F4A7C15ull;
            h = (h ^ static_cast<uint64_t>(s.remainder) ^ static_cast<uint64_t>(s.remainder >> 64) * 31) * 0xFF51AFD7ED558CCDull;
            return h ^ h >> 32;
        }
    };

    int32_t power_, most_;  // more digits than `most_` reach nothing that fewer do not
    std::vector<std::array<int32_t, SYMBOLS>> edges_;
    std::vector<uint8_t> accepting_, free_;
    Integer common_ = 1;
    std::vector<std::vector<Integer>> divisors_;  // by decimals read: the wanted one, then those that must not divide
    std::vector<Integer> widths_;  // powers of ten, the last above all that matters
    std::vector<Integer> shifts_;  // powers of ten, as remainders
    bool any_value_ = false;
    std::vector<State> states_;
    std::unordered_map<State, int32_t, StateHash> index_;

    int32_t intern(const State& state) {
        states_.push_back(state);
        index_.emplace(state, static_cast<int32_t>(states_.size()) - 1);
        return static_cast<int32_t>(states_.size()) - 1;
    }

    static Integer integer(const std::string& digits) {
        Integer value = 0;
        for (char digit : digits) value = value * 10 + static_cast<unsigned>(digit - '0');
        return value;
    }
    static Integer power_of_ten(int32_t exponent) {
        Integer value = 1;
        while (exponent-- > 0) value *= 10;
        return value;
    }
    static Integer greatest_divisor(Integer a, Integer b) {
        while (b != 0) {
            const Integer rest = a % b;
            a = b, b = rest;
        }
        return a;
    }

    // The state of the bounds after any digit, or NONE; -2: it depends on the digit.
    int32_t after_any_digit(int32_t bounds) const {
        const auto& row = edges_[bounds];
        return std::all_of(row.begin() + ZERO, row.end(), [&](int32_t to) { return to == row[ZERO]; }) ? row[ZERO] : -2;
    }

    // States where, as far as the digits to come, only their number counts.
    void find_free_states() {
        const int32_t n = static_cast<int32_t>(edges_.size());
        for (int32_t state = 0; state < n; ++state) free_.push_back(after_any_digit(state) != -2 && edges_[state][MINUS] == NONE);
        for (bool changed = true; changed;) {
            changed = false;
            for (int32_t state = 0; state < n; ++state)
                for (int32_t to : edges_[state])
                    if (free_[state] && to != NONE && !free_[to]) free_[state] = 0, changed = true;
        }
    }

    static bool is_right(Integer value, const std::vector<Integer>& divisors) {
        return value % divisors[0] == 0 && std::all_of(divisors.begin() + 1, divisors.end(), [&](Integer other) { return value % other != 0; });
    }

    bool move(const State& from, int symbol, State& to) const {
        to = {edges_[from.bounds][symbol], from.decimals, from.remainder};
        if (to.bounds == NONE) return false;
        if (symbol == MINUS) return to.remainder = 0, true;
        if (symbol == POINT) return to.decimals = 0, true;
        if (from.decimals >= power_) {
            if (symbol == ZERO || from.decimals > power_) return true;
            to.decimals = power_ + 1, to.remainder = 0;
            return any_value_;
        }
        to.decimals += from.decimals >= 0;
        to.remainder = (from.remainder * 10 + static_cast<unsigned>(symbol - ZERO)) % common_;
        return true;
    }

    bool completes(const State& state) const {
        bool found = false;
        search(state, [&](const std::string&) { return found = true, size_t{0}; });
        return found;
    }

    // Calls found(text) with texts to the end, the first of the shortest among them, as long as they are no longer than what
    // it last returned: level by level where the digit counts, by arithmetic where it does not.
    template <class Found>
    void search(const State& start, Found found) const {
        struct Met {
            State state;
            int32_t before;
            char byte;
        };
        size_t most = SIZE_MAX;
        if (free_[start.bounds]) return search_free(start, "", most, found);
        std::vector<Met> met{{start, NONE, 0}};
        std::unordered_set<State, StateHash> seen{start};
        for (size_t head = 0, level_end = 1, length = 0; head < met.size() && length <= most; ++length, level_end = met.size())
            for (; head < level_end; ++head) {
                const State here = met[head].state;
                const bool is_end = accepts(here), is_free = free_[here.bounds];
                if (is_end || is_free) {
                    std::string text;
                    for (int32_t at = static_cast<int32_t>(head); met[at].before != NONE; at = met[at].before) text.push_back(met[at].byte);
                    std::reverse(text.begin(), text.end());
                    if (is_free) search_free(here, text, most, found);
                    else most = found(text);
                }
                if (is_free || is_end) continue;
                State after;
                for (int symbol = 0; symbol < SYMBOLS; ++symbol)
                    if (move(here, symbol, after) && seen.insert(after).second) met.push_back({after, static_cast<int32_t>(head), static_cast<char>(BYTES[symbol])});
            }
    }

    // The same where only the number of digits counts, after `before`.
    template <class Found>
    void search_free(const State& state, const std::string& before, size_t& most, Found& found) const {
        std::string text;
        auto is_near = [&](int32_t length) { return before.size() + static_cast<size_t>(length) <= most; };
        for (int32_t digits = 0, bounds = state.bounds; digits < most_ && bounds != NONE && is_near(digits); ++digits, bounds = edges_[bounds][ZERO]) {
            if (accepting_[bounds] && reaches(state, digits, state.decimals < 0 ? -1 : state.decimals + digits, text)) most = found(before + text);
            int32_t point = edges_[bounds][POINT];
            for (int32_t places = 0; places < most_ && point != NONE && is_near(digits + 1 + places); ++places, point = edges_[point][ZERO])
                if (accepting_[point] && reaches(state, digits + places, places, text)) most = found(before + text.insert(digits, 1, '.'));
        }
    }

    // The remainder after so many zeros.
    Integer shifted(Integer remainder, int32_t zeros) const {
        if (remainder == 0) return 0;
        if (common_ <= UINT64_MAX) return remainder * shifts_[zeros] % common_;
        while (zeros-- > 0) remainder = remainder * 10 % common_;
        return remainder;
    }

    // Whether `count` digits more, which make it `decimals` decimals, can make a right value; the first digits that do.
    bool reaches(const State& state, int32_t count, int32_t decimals, std::string& text) const {
        int32_t beyond = std::max(0, decimals - power_);
        if (beyond > 0 && any_value_) {  // any digit after the last that counts, if the value is not right by then
            if (state.decimals > power_) return text.assign(count, '0'), true;
            if (reaches(state, count - beyond, power_, text) && text.find_first_not_of('0') == std::string::npos) return text.append(beyond, '0'), true;
            return text.assign(count, '0'), text.back() = '1', true;
        }
        count -= beyond;
        const std::vector<Integer>& divisors = divisors_[std::max(decimals - beyond, 0)];
        const size_t candidates = size_t{1} << (divisors.size() - 1);
        const Integer first = shifted(state.remainder, count), width = widths_[std::min(count, MOST_DIGITS + 1)];
        Integer value = common_ <= UINT64_MAX ? static_cast<uint64_t>(first) % static_cast<uint64_t>(divisors[0]) : first % divisors[0];
        if (value != 0) value = divisors[0] - value;
        for (size_t i = 0; i < candidates && value < width; ++i, value += divisors[0]) {
            if (!std::all_of(divisors.begin() + 1, divisors.end(), [&](Integer other) { return (first + value) % other != 0; })) continue;
            text.assign(count, '0');
            for (int32_t place = count; value > 0; value /= 10) text[--place] = static_cast<char>('0' + static_cast<int>(value % 10));
            text.append(beyond, '0');
            return true;
        }
        return false;
    }
};

}  // namespace tokentrellis
