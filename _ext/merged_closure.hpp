// What may begin at a continuation, each rule entered once: for grammars with many ways to read a text.
//
// A stack for each way costs time without bound: `s: s s s | s s | "a"` has exponentially many. So the ways that
// reach the call of a rule at one place share the rule, as in a graph-structured stack (Tomita 1985; Scott & Johnstone, GLL 2010):
// the callee goes on at *any of* the places that called it. First all rules that may be over are left (each continuation
// once), which gives the grammar states that the text has come to; then rules are entered, callers before callees, so that a
// callee is entered when all its callers are known. Called rules are never empty and never call themselves first
// (grammars/context_free.py), so this order exists. Cost: what is met, each once.
#pragma once

#include "network.hpp"

namespace tokentrellis {

class MergedClosure {
public:
    MergedClosure(Network& network, Closure& out) : network_(network), out_(out) {}

    void gather(int32_t continuation) {
        waiting_.push_back(continuation);
        while (!waiting_.empty()) {
            const int32_t at = waiting_.back();
            waiting_.pop_back();
            if (seen_.insert(at).second) leave(at);
        }
        std::vector<int32_t> roots;
        for (const auto& [callee, returns] : returns_) roots.push_back(callee);
        std::sort(roots.begin(), roots.end());
        for (int32_t callee : roots) order(callee);
        for (size_t i = order_.size(); i-- > 0;) {
            const int32_t parent = network_.any_of(returns_.at(order_[i]));
            begin(network_.expand(order_[i]), parent);
        }
    }

private:
    Network& network_;
    Closure& out_;
    std::vector<int32_t> waiting_, order_;  // order_: callees, those that are called by others first
    std::unordered_set<int32_t> seen_;
    std::unordered_map<int32_t, std::vector<int32_t>> returns_;  // by callee: where to go on
    std::unordered_map<int32_t, int8_t> marks_;                  // by callee: 1 on the way, 2 done

    void leave(int32_t continuation) {
        if (continuation == BOTTOM) {
            out_.accepting = true;
            return;
        }
        if (const std::vector<int32_t>* members = network_.members_of(continuation)) {
            waiting_.insert(waiting_.end(), members->begin(), members->end());
            return;
        }
        const Continuation here = network_.at(continuation);
        const GrammarState state = network_.expand(here.target);
        begin(state, here.parent);
        if (state.final) waiting_.push_back(here.parent);
    }

    void begin(const GrammarState state, int32_t parent) {
        for (int32_t i = 0; i < state.n_edges; ++i) {
            const Edge& edge = network_.edge_of(state, i);
            const int32_t kind = edge.kind, start = edge.start, next = edge.next;
            if (kind == CALL_EDGE) {
                returns_[start].push_back(network_.continuation(next, parent));
            } else if (kind == TOKEN_EDGE) {
                out_.special_tokens.push_back({start, network_.continuation(next, parent)});
            } else if (kind != TERMINAL_EDGE) {
                network_.begin_string(state.first_edge + i, parent, out_);
            } else if (start != DEAD) {
                out_.configurations.push_back({start, network_.continuation(next, parent), 0});
            }
        }
    }

    // Depth first over the calls with which rules begin, without recursion: chains of thousands of rules exist.
    void order(int32_t root) {
        std::vector<std::pair<int32_t, int32_t>> path;
        auto enter = [&](int32_t callee) {
            int8_t& mark = marks_[callee];
            if (mark == 1) throw LeftRecursion();
            if (mark == 2) return;
            mark = 1;
            path.push_back({callee, 0});
        };
        enter(root);
        while (!path.empty()) {
            const auto [callee, index] = path.back();
            const GrammarState state = network_.expand(callee);
            if (index == state.n_edges) {
                marks_[callee] = 2;
                order_.push_back(callee);
                path.pop_back();
                continue;
            }
            ++path.back().second;
            const Edge& edge = network_.edge_of(state, index);
            if (edge.kind == CALL_EDGE) enter(edge.start);
        }
    }
};

inline void gather_merged(Network& network, int32_t continuation, Closure& out) { MergedClosure(network, out).gather(continuation); }

}  // namespace tokentrellis
