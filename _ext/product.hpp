// Products of automata under a formula: intersection, union, complement, with monitors.
//
// A state is a tuple of component states. Whether it is alive is found by search and remembered. Once there are many, tuples
// are reduced before they are looked up: equal states of a component are one (minimal.hpp), a component that accepts every
// text is FULL, and components that no longer matter, since their part of the formula is decided, are set aside. So
// `not anyOf` of 27 patterns is decided, and one state, as soon as one of them is found.
#pragma once

#include <queue>
#include <unordered_set>

#include "minimal.hpp"

namespace tokentrellis {

constexpr int32_t FULL = -3;          // of a component in a tuple: accepts all texts
constexpr size_t REDUCED_FROM = 256;  // tuples
constexpr int32_t UNSETTLED = 1000;   // bytes, in an estimate

// A formula over component automata: LEAF reads component `component`.
struct Formula {
    enum Kind { LEAF, AND, OR, NOT } kind = LEAF;
    int32_t component = 0;
    std::vector<Formula> children;

    // Sets components that the verdict no longer depends on to what leaves it as it is: DEAD or FULL. Returns 1 if it is true
    // whatever comes, 0 if it is false, else -1.
    int settle(std::vector<int32_t>& states) const {
        if (kind == LEAF) return states[component] == DEAD ? 0 : states[component] == FULL ? 1 : -1;
        if (kind == NOT) {
            const int value = children[0].settle(states);
            return value < 0 ? value : !value;
        }
        const int absorbing = kind == OR;
        int result = !absorbing;
        for (const Formula& child : children) {
            const int value = child.settle(states);
            if (value == absorbing) return decide(absorbing, states), absorbing;
            if (value < 0) result = -1;
        }
        return result;
    }

    // Whether all that is accepted is UTF-8.
    template <class IsText>
    bool is_text(const IsText& component_is_text) const {
        auto child_is_text = [&](const Formula& child) { return child.is_text(component_is_text); };
        switch (kind) {
            case LEAF: return component_is_text(component);
            case NOT: return false;
            case AND: return std::any_of(children.begin(), children.end(), child_is_text);
            default: return std::all_of(children.begin(), children.end(), child_is_text);
        }
    }

    // 1 true, 0 false, -1 undecided. With `final_verdict`, a component is true if its state accepts; without, a dead
    // component is false and a live one undecided.
    int evaluate(const Automata& automata, const std::vector<int32_t>& states, bool final_verdict) const {
        switch (kind) {
            case LEAF: {
                int32_t s = states[component];
                if (s == DEAD) return 0;
                if (s == FULL) return 1;
                return final_verdict ? automata.label(s) >= 0 : -1;
            }
            case NOT: {
                int value = children[0].evaluate(automata, states, final_verdict);
                return value < 0 ? value : !value;
            }
            default: {
                int absorbing = kind == OR, result = !absorbing;
                for (const Formula& child : children) {
                    int value = child.evaluate(automata, states, final_verdict);
                    if (value == absorbing) return absorbing;
                    if (value < 0) result = -1;
                }
                return result;
            }
        }
    }

    // A guess at the bytes that are missing until it is true (or false); `leaf` knows it of the components.
    template <class Leaf>
    int64_t missing(bool wanted, const Leaf& leaf) const {
        if (kind == LEAF) return leaf(component, wanted);
        if (kind == NOT) return children[0].missing(!wanted, leaf);
        const bool all = (kind == AND) == wanted;
        int64_t sum = 0, least = int64_t{1} << 40;
        for (const Formula& child : children) {
            const int64_t part = child.missing(wanted, leaf);
            sum += part, least = std::min(least, part);
        }
        return all ? sum : least;
    }

private:
    void decide(bool value, std::vector<int32_t>& states) const {
        if (kind == LEAF) states[component] = value ? FULL : DEAD;
        for (const Formula& child : children) child.decide(kind == NOT ? !value : value, states);
    }
};

class BooleanAutomaton final : public Automaton {
public:
    // components: start states; the first `n_restricting` belong to the formula, the others are monitors (bit i of the
    // label: monitor i accepts).
    BooleanAutomaton(Automata& automata, int32_t id, Formula formula, const std::vector<int32_t>& components, int32_t n_restricting)
        : id_(id), formula_(std::move(formula)), starts_(components), n_restricting_(n_restricting) {
        refine_classes(automata);
        std::vector<int32_t> tuple = components;
        tuple.push_back(0);
        int32_t local = intern(automata, tuple);
        start = local != DEAD && alive(automata, local) ? number(automata, local) : DEAD;
    }

    const std::vector<std::vector<uint8_t>>* classes() const override { return &class_members_; }

    void compute(Automata& automata, int32_t state, uint8_t byte) override {
        int32_t local = advance(automata, automata.info[state].local, byte);
        int32_t to = local != DEAD && alive(automata, local) ? number(automata, local) : DEAD;
        for (uint8_t member : class_members_[class_of_[byte]])
            automata.set(state, member, contains(automata.usable, member) ? to : DEAD);
    }

private:
    int32_t id_;
    Formula formula_;
    std::vector<int32_t> starts_;  // of the components
    int32_t n_restricting_;
    std::vector<std::vector<int32_t>> tuples_;  // states of the components, then the state of UTF-8
    std::vector<int8_t> alive_;     // 1 yes, 0 no, -1 not known
    std::vector<int32_t> numbers_;  // local -> state, or NO_STATE
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_;
    std::array<uint8_t, 256> class_of_{};
    std::vector<std::vector<uint8_t>> class_members_;
    std::vector<std::shared_ptr<const Minimal>> minimal_;  // of the components, once tuples are reduced
    bool is_text_ = false;                                 // known to accept UTF-8 only

    void refine_classes(const Automata& automata) {
        std::vector<std::array<int, 256>> parts;
        parts.emplace_back();
        for (int byte = 0; byte < 256; ++byte) parts.back()[byte] = Utf8::class_of(static_cast<uint8_t>(byte));
        for (int32_t component : starts_) {
            if (component == DEAD) continue;
            const auto* classes = automata.automata[automata.info[component].automaton]->classes();
            parts.emplace_back();
            for (int byte = 0; byte < 256; ++byte) parts.back()[byte] = byte;
            for (size_t i = 0; classes && i < classes->size(); ++i)
                for (uint8_t member : (*classes)[i]) parts.back()[member] = static_cast<int>(i);
        }
        for (const auto& part : parts) {
            std::map<std::pair<int, int>, int> renumber;
            for (int byte = 0; byte < 256; ++byte)
                class_of_[byte] = static_cast<uint8_t>(renumber.emplace(std::make_pair(class_of_[byte], part[byte]), static_cast<int>(renumber.size())).first->second);
        }
        class_members_.assign(1 + *std::max_element(class_of_.begin(), class_of_.end()), {});
        for (int byte = 0; byte < 256; ++byte) class_members_[class_of_[byte]].push_back(static_cast<uint8_t>(byte));
    }

    // The number of a tuple, DEAD if the formula is decided against it.
    int32_t intern(Automata& automata, std::vector<int32_t>& tuple) {
        if (!minimal_.empty()) reduce(tuple);
        auto found = index_.find(tuple);
        if (found != index_.end()) return found->second;
        const int verdict = formula_.evaluate(automata, tuple, false);
        if (verdict == 0 || (is_text_ && tuple.back() == DEAD)) return DEAD;
        if (tuples_.size() >= MAX_AUTOMATON_STATES) throw LimitError("automaton states of an intersection or complement", MAX_AUTOMATON_STATES);
        if (tuples_.size() == REDUCED_FROM && automata.all_usable && minimal_.empty()) {
            examine(automata);
            return intern(automata, tuple);
        }
        int32_t local = static_cast<int32_t>(tuples_.size());
        tuples_.push_back(tuple);
        alive_.push_back(verdict == 1 || accepts(automata, tuple) ? 1 : -1);
        numbers_.push_back(NO_STATE);
        index_.emplace(tuple, local);
        return local;
    }

    bool accepts(const Automata& automata, const std::vector<int32_t>& tuple) const {
        return (!is_text_ || tuple.back() == 0) && formula_.evaluate(automata, tuple, true) == 1;
    }

    void examine(Automata& automata) {
        for (int32_t component : starts_) {
            auto& known = automata.minimal[component];
            if (!known) known = std::make_shared<const Minimal>(automata, component);
            minimal_.push_back(known);
        }
        is_text_ = formula_.is_text([&](int32_t component) { return minimal_[component]->is_text(); });
    }

    void reduce(std::vector<int32_t>& tuple) const {
        for (size_t i = 0; i < minimal_.size(); ++i)
            if (tuple[i] >= 0) tuple[i] = is_text_ && minimal_[i]->is_full(tuple[i], tuple.back()) ? FULL : minimal_[i]->equal(tuple[i]);
        formula_.settle(tuple);
    }

    int32_t advance(Automata& automata, int32_t local, uint8_t byte) {
        std::vector<int32_t> tuple = tuples_[local];
        for (size_t i = 0; i < starts_.size(); ++i)
            if (tuple[i] >= 0) tuple[i] = automata.step(tuple[i], byte);
        if (tuple.back() != DEAD) tuple.back() = Utf8::step(tuple.back(), byte);
        int32_t to = intern(automata, tuple);
        return to == DEAD || alive_[to] == 0 ? DEAD : to;
    }

    int32_t number(Automata& automata, int32_t local) {
        if (numbers_[local] == NO_STATE) {
            const std::vector<int32_t>& tuple = tuples_[local];
            int32_t label = -1;
            if (accepts(automata, tuple)) {
                label = 0;
                for (size_t i = n_restricting_; i < starts_.size(); ++i)
                    if (tuple[i] == FULL || (tuple[i] != DEAD && automata.label(tuple[i]) >= 0)) label |= 1 << (i - n_restricting_);
            }
            // In a vocabulary of all bytes only other automata are asked whether a text may go on after its end.
            numbers_[local] = automata.add_state(id_, local, label, label >= 0 && !automata.all_usable && !goes_on(automata, local));
        }
        return numbers_[local];
    }

    bool goes_on(Automata& automata, int32_t local) {
        return std::any_of(class_members_.begin(), class_members_.end(), [&](const std::vector<uint8_t>& members) {
            auto byte = std::find_if(members.begin(), members.end(), [&](uint8_t b) { return contains(automata.usable, b); });
            if (byte == members.end()) return false;
            const int32_t to = advance(automata, local, *byte);
            return to != DEAD && alive(automata, to);
        });
    }

    // What seems to be missing to an end: UNSETTLED for each component that may still fail, and bytes, so that a word once found
    // counts for more than the beginnings of several others. 0 for all as long as components are not examined.
    int64_t missing(int32_t local) const {
        if (minimal_.empty()) return 0;
        const std::vector<int32_t>& tuple = tuples_[local];
        return formula_.missing(true, [&](int32_t component, bool wanted) {
            const int32_t state = tuple[component];
            if (state < 0) return (state == FULL) == wanted ? int64_t{0} : int64_t{UNSETTLED} * UNSETTLED;
            return int64_t{UNSETTLED} + std::min(minimal_[component]->to_end(state, wanted), UNSETTLED);
        });
    }

    // Search for an accepting state, where least seems to be missing first; everything visited is settled if there is none, the
    // path if there is.
    bool alive(Automata& automata, int32_t from) {
        if (alive_[from] >= 0) return alive_[from];
        struct Visit {
            int32_t local, before;  // `before`: its index in the list
        };
        std::vector<Visit> visits{{from, -1}};
        using Waiting = std::pair<int64_t, int32_t>;  // estimate, index
        std::priority_queue<Waiting, std::vector<Waiting>, std::greater<Waiting>> waiting;
        waiting.push({0, 0});
        std::unordered_set<int32_t> seen{from};
        while (!waiting.empty()) {
            const int32_t index = waiting.top().second;
            waiting.pop();
            for (const auto& members : class_members_) {
                auto byte = std::find_if(members.begin(), members.end(), [&](uint8_t b) { return contains(automata.usable, b); });
                if (byte == members.end()) continue;
                int32_t to = advance(automata, visits[index].local, *byte);
                if (to == DEAD || !seen.insert(to).second) continue;
                if (alive_[to] == 1) {
                    for (int32_t i = index; i >= 0; i = visits[i].before) alive_[visits[i].local] = 1;
                    return true;
                }
                waiting.push({missing(to), static_cast<int32_t>(visits.size())});
                visits.push_back({to, index});
            }
        }
        for (int32_t local : seen) alive_[local] = 0;
        return false;
    }
};

}  // namespace tokentrellis
