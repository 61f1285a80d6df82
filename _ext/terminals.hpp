// The automata of terminals: what a vocabulary and its grammars share before any token is looked at.
//
// Expressions come in (`nfa.hpp`), as the front ends describe terminals; the start states of lazy automata go out, one automaton
// for an expression, whoever asks. Regular expressions become sets of positions; intersections, complements and monitors become
// tuples of these (`automata.hpp`); JSON strings read a content through escapes (`json_string.hpp`). Cost: nothing is explored
// but what stands under a repetition or in a sequence beside an intersection or complement there.
#pragma once

#include "bounds.hpp"
#include "distances.hpp"
#include "json_string.hpp"

namespace tokentrellis {

class Terminals {
public:
    Automata automata;
    Distances distances{automata};
    std::vector<ExpressionNode> expressions;

    int32_t add_expression(ExpressionNode node) {
        expressions.push_back(std::move(node));
        return static_cast<int32_t>(expressions.size()) - 1;
    }

    // The start state of the automaton of an expression (DEAD if nothing matches).
    int32_t automaton_of(int32_t expression, const std::vector<int32_t>& monitors = {}) {
        std::vector<int32_t> key{expression};
        key.insert(key.end(), monitors.begin(), monitors.end());
        auto found = starts_.find(key);
        if (found != starts_.end()) return found->second;
        int32_t start;
        if (expressions[expression].regular && monitors.empty() && automata.all_usable) {
            start = set_automaton(expression);
        } else {
            std::vector<int32_t> components;
            Formula formula = make_formula(expression, components);
            int32_t n_restricting = static_cast<int32_t>(components.size());
            for (int32_t monitor : monitors) components.push_back(automaton_of(monitor));
            start = add<BooleanAutomaton>(std::move(formula), components, n_restricting)->start;
        }
        starts_.emplace(std::move(key), start);
        return start;
    }

    // The start state of a JSON string after a prefix.
    int32_t string_start(int32_t prefix, int32_t content, const std::vector<int32_t>& monitors) {
        int32_t inner = automaton_of(content, monitors), before = automaton_of(prefix);
        if (inner == DEAD || before == DEAD) return DEAD;
        auto& found = strings_[inner];
        if (found == nullptr) {
            found = add<StringAutomaton>(inner);
            if (automata.all_usable) farthest_[inner] = bounds_.farthest(expressions, content);
        }
        return found->start_with(automata, before);
    }

    const StringAutomaton& string_of(int32_t state) const {
        return static_cast<const StringAutomaton&>(*automata.automata[automata.info[state].automaton]);
    }
    const StringPosition& position(int32_t state) const { return string_of(state).position(automata.info[state].local); }

    // Whether this byte, read in this state of a JSON string, begins a character of the decoded text.
    bool begins_character(int32_t state, uint8_t byte) const {
        return automata.info[state].phase == BODY && byte != '"' && (byte & 0xC0) != 0x80;
    }

    // An automaton of another kind, made with these arguments after the automata and its own number.
    template <class Kind, class... Arguments>
    Kind* add_automaton(Arguments&&... arguments) { return add<Kind>(std::forward<Arguments>(arguments)...); }

    int32_t distance(int32_t state) { return distances.distance(state); }
    bool always_infinite(int32_t state) { return distances.always_infinite(state); }
    // From any state of the content of a JSON string (by its start): bytes that suffice to the end, if the syntax tells.
    int32_t farthest(int32_t content) const {
        auto found = farthest_.find(content);
        return found == farthest_.end() ? UNREACHABLE : found->second;
    }

    size_t n_states() const { return automata.info.size(); }
    // Memory of all automata, about.
    size_t n_automata_bytes() const { return n_states() * BYTES_OF_A_STATE + n_positions_ * BYTES_OF_A_POSITION; }

private:
    static constexpr size_t BYTES_OF_A_STATE = 1500, BYTES_OF_A_POSITION = 200;
    size_t n_positions_ = 0;  // of the automata of regular expressions
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> starts_;
    std::unordered_map<int32_t, int32_t> set_starts_;
    std::unordered_map<int32_t, StringAutomaton*> strings_;
    Bounds bounds_;
    std::unordered_map<int32_t, int32_t> farthest_;  // by start of the content

    template <class Kind, class... Arguments>
    Kind* add(Arguments&&... arguments) {
        int32_t id = static_cast<int32_t>(automata.automata.size());
        automata.automata.push_back(nullptr);
        auto made = std::make_unique<Kind>(automata, id, std::forward<Arguments>(arguments)...);
        Kind* kind = made.get();
        automata.automata[id] = std::move(made);
        return kind;
    }

    int32_t set_automaton(int32_t expression) {
        auto found = set_starts_.find(expression);
        if (found != set_starts_.end()) return found->second;
        Nfa nfa(expressions, expression, [this](int32_t node) { return explore(node); });
        n_positions_ += nfa.states.size();
        int32_t start = add<SetAutomaton>(std::move(nfa))->start;
        set_starts_.emplace(expression, start);
        return start;
    }

    Formula make_formula(int32_t expression, std::vector<int32_t>& components) {
        ExpressionNode node = expressions[expression];  // a copy: the array may grow below
        Formula formula;
        if (node.kind == UNION && node.regular) {  // one automaton of several infinite languages can have too many states
            std::vector<int32_t> unlimited, others;
            for (int32_t child : node.children) (is_unlimited(child) ? unlimited : others).push_back(child);
            if (unlimited.size() > 1) {
                formula.kind = Formula::OR;
                for (int32_t child : unlimited) formula.children.push_back(make_formula(child, components));
                node.children = std::move(others);
                if (!node.children.empty()) formula.children.push_back(make_formula(add_expression(std::move(node)), components));
                return formula;
            }
        }
        if (node.regular) {
            formula.component = static_cast<int32_t>(components.size());
            components.push_back(set_automaton(expression));
            return formula;
        }
        if (node.kind == INTERSECTION || node.kind == COMPLEMENT || node.kind == UNION) {
            formula.kind = node.kind == INTERSECTION ? Formula::AND : node.kind == UNION ? Formula::OR : Formula::NOT;
            for (int32_t child : node.children) formula.children.push_back(make_formula(child, components));
            return formula;
        }
        formula.component = static_cast<int32_t>(components.size());
        components.push_back(set_automaton(expression));
        return formula;
    }

    bool is_unlimited(int32_t expression) const {
        const ExpressionNode& node = expressions[expression];
        if (node.kind == REPEAT && node.most < 0) return true;
        return std::any_of(node.children.begin(), node.children.end(), [this](int32_t child) { return is_unlimited(child); });
    }

    // An intersection or complement in the middle of an expression, as an explicit automaton.
    ExpressionNode explore(int32_t expression) {
        constexpr size_t most_states = 20000;
        ExpressionNode made;
        made.kind = AUTOMATON;
        int32_t start = automaton_of(expression);
        std::unordered_map<int32_t, int32_t> index;
        std::vector<int32_t> order;
        auto number = [&](int32_t state) {
            auto it = index.emplace(state, static_cast<int32_t>(order.size()));
            if (it.second) order.push_back(state);
            if (order.size() > most_states) throw LimitError("automaton states of an intersection or complement inside an expression", most_states);
            return it.first->second;
        };
        if (start != DEAD) number(start);
        for (size_t i = 0; i < order.size(); ++i) {
            if (automata.label(order[i]) >= 0) made.accepting.push_back(static_cast<int32_t>(i));
            std::map<int32_t, ByteSet> by_target;
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = automata.step(order[i], static_cast<uint8_t>(byte));
                if (to != DEAD) by_target[to][byte >> 6] |= 1ull << (byte & 63);
            }
            for (const auto& [to, bytes] : by_target) made.transitions.push_back({static_cast<int32_t>(i), bytes, number(to)});
        }
        made.n_states = std::max<int32_t>(1, static_cast<int32_t>(order.size()));
        return made;
    }
};

}  // namespace tokentrellis
