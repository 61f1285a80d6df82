// The shortest text to the end that a stack of an LR parser asks for: what it costs, and its first terminal.
//
// In come parse tables, with a short text of each terminal and a shortest derivation of each rule name, and stacks of parser
// states (continuations without obligations); out come bytes and terminals. What an item of the state on top still reads is
// derived at its shortest; then its rule is reduced, the state below goes on with the rule's origin, and so on down to the
// bottom. So each stack gets a table: by origin, what completes the text at best once that origin has been read on top of it
// (a *reduction*). It needs the tables of the stacks below only, and they are shared as the stacks are. Shortest derivations:
// Knuth, A generalization of Dijkstra's algorithm, Information Processing Letters 6(1), 1977; here by iteration.
//
// What lexers do to neighbouring terminals is not seen here: parse_stack.hpp checks each step and searches where one fails.
// Cost: for each stack met, once, the items of the states that it may go on with, times the rounds until nothing changes.
#pragma once

#include "network.hpp"
#include "parse_tables.hpp"

namespace tokentrellis {

class ShortestDerivations {
public:
    ShortestDerivations(const Network& network, const ParseTables& tables) : network_(network), tables_(tables) {}

    // Bytes to the end, with one for each terminal.
    int64_t least_cost(int32_t stack) {
        int64_t best;
        best_item(stack, best);
        return best;
    }

    // The first terminal of a shortest text to the end; NO_TERMINAL: there is none.
    static constexpr int32_t NO_TERMINAL = -2;  // -1 is what the map says of a stack that was not asked about
    int32_t next_terminal(int32_t stack) {
        int32_t found = next_terminals_.find(static_cast<uint64_t>(stack));
        if (found == FlatMap::MISSING) {
            found = find_next_terminal(stack);
            next_terminals_.insert(static_cast<uint64_t>(stack), found);
        }
        return found;
    }

private:
    int32_t find_next_terminal(int32_t stack) {
        int64_t best;
        const int32_t chosen = best_item(stack, best);
        if (chosen < 0) return NO_TERMINAL;
        const ParseTables::Item* item = &tables_.items[state_of(stack)][chosen];
        int32_t n = item->n_read;
        while (true) {
            const int32_t terminal = first_of(item->rest);
            if (terminal >= 0) return terminal;
            for (int32_t i = 0; i < n; ++i) stack = parent(stack);
            const int32_t origin = tables_.rules[item->rule].origin;
            const Reduction& reduction = reductions(stack)[origin];
            if (reduction.item < 0) return NO_TERMINAL;
            item = &tables_.items[tables_.next_state(state_of(stack), origin)][reduction.item];
            n = item->n_read - 1;
        }
    }

    static constexpr int64_t FAR = int64_t{1} << 40;

    struct Reduction {  // of an origin on top of a stack: what completes the text at best from there
        int64_t cost = FAR;
        int32_t item = -1;
    };

    const Network& network_;
    const ParseTables& tables_;
    std::unordered_map<int32_t, std::vector<Reduction>> reductions_;  // by stack
    FlatMap next_terminals_;

    int32_t state_of(int32_t stack) const { return network_.at(stack).target - 1; }
    int32_t parent(int32_t stack) const { return network_.at(stack).parent; }

    int64_t cost_of(int32_t symbol) const {
        return symbol >= 0 ? static_cast<int64_t>(tables_.texts[symbol].size()) + 1 : tables_.costs[~symbol];
    }
    int64_t cost_of(const std::vector<int32_t>& symbols) const {
        int64_t sum = 0;
        for (int32_t symbol : symbols) sum += cost_of(symbol);
        return sum;
    }
    int32_t first_of(const std::vector<int32_t>& symbols) const {
        for (int32_t symbol : symbols) {
            const int32_t first = symbol >= 0 ? symbol : tables_.firsts[~symbol];
            if (first >= 0) return first;
        }
        return -1;
    }

    // By origin: what it costs to complete the text once it has been read on top of a stack. What lies below is found first.
    const std::vector<Reduction>& reductions(int32_t stack) {
        std::vector<int32_t> missing;
        for (int32_t at = stack; at != BOTTOM && !reductions_.count(at); at = parent(at)) missing.push_back(at);
        while (!missing.empty()) {
            const int32_t at = missing.back();
            missing.pop_back();
            reductions_[at] = find_reductions(at);
        }
        return reductions_.at(stack);
    }

    // By iteration over the origins that the state can go on with: a rule that begins here leads to its origin on the same stack.
    std::vector<Reduction> find_reductions(int32_t stack) {
        std::vector<Reduction> made(tables_.n_origins);
        const int32_t state = state_of(stack);
        bool changed = true;
        while (changed) {
            changed = false;
            for (int32_t origin = 0; origin < tables_.n_origins; ++origin) {
                const int32_t next = tables_.next_state(state, origin);
                if (next < 0) continue;
                if (next == tables_.accepting && parent(stack) == BOTTOM) {
                    if (made[origin].cost > 0) made[origin].cost = 0, made[origin].item = -1, changed = true;
                }
                for (size_t i = 0; i < tables_.items[next].size(); ++i) {
                    const ParseTables::Item& item = tables_.items[next][i];
                    if (item.n_read < 1) continue;
                    const int64_t cost = cost_of(item.rest) + below(stack, item, item.n_read - 1, made);
                    if (cost < made[origin].cost) made[origin].cost = cost, made[origin].item = static_cast<int32_t>(i), changed = true;
                }
            }
        }
        return made;
    }

    // What completes the text after an item is complete, `n` of whose symbols are on the stack from `stack` down.
    int64_t below(int32_t stack, const ParseTables::Item& item, int32_t n, const std::vector<Reduction>& here) {
        int32_t at = stack;
        for (int32_t i = 0; i < n; ++i) {
            if (at == BOTTOM) return FAR;
            at = parent(at);
        }
        if (at == BOTTOM) return FAR;
        const int32_t origin = tables_.rules[item.rule].origin;
        return at == stack ? here[origin].cost : reductions_.at(at)[origin].cost;
    }

    // Of the items of the state on top: the one that completes the text at best.
    int32_t best_item(int32_t stack, int64_t& best) {
        const std::vector<Reduction>& here = reductions(stack);
        const auto& items = tables_.items[state_of(stack)];
        int32_t chosen = -1;
        best = FAR;
        for (size_t i = 0; i < items.size(); ++i) {
            const int64_t cost = cost_of(items[i].rest) + below(stack, items[i], items[i].n_read, here);
            if (cost < best) best = cost, chosen = static_cast<int32_t>(i);
        }
        return chosen;
    }
};

}  // namespace tokentrellis
