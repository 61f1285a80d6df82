// After which lexemes a text can be finished as the grammar has it, where nothing is skipped that would part them.
//
// In come parse tables and the automaton of their lexers, out come the *closing* ends: after one of them every terminal that the
// parser accepts then has a short text that may stand there, and ends with a closing end again. So, whatever the stack asks for, its
// terminals can be written one after the other; that is so where the tables have no conflicts, or what is accepted need not lead on.
// They are what is left of the ends of some short texts when those are taken away, again and again, that a terminal cannot follow:
// `not` before a name is none, `not ` is one. After another end, a way to the end of the text is found as soon as one terminal that
// the stack accepts ends with a closing one (parse_stack.hpp).
// Cost: once, each short text after each obligation in each lexer (0.1 s for 60 lexers of 60 terminals).
#pragma once

#include "lexemes.hpp"

namespace tokentrellis {

class ClosingEnds {
public:
    ClosingEnds(Automata& automata, LexemeAutomaton& lexemes, const ParseTables& tables) : automata_(automata), lexemes_(lexemes), tables_(tables) {}

    // A special token in the grammar, or too much to try: there are none then.
    void find() {
        for (int32_t token : tables_.special_tokens)
            if (token >= 0) return;
        find_followers();
        try {
            for (int32_t state = 0; state < tables_.n_states; ++state)
                for (int32_t terminal : tables_.accepted(state)) {
                    const std::vector<int32_t>& found = ends_after(tables_.lexers[state], LexemeAutomaton::NOTHING, terminal);
                    ends_.insert(found.begin(), found.end());
                }
            while (drop_others()) {}
        } catch (const LimitError&) {
            ends_.clear();
        }
    }

    bool empty() const { return ends_.empty(); }
    bool has(int32_t end) const { return ends_.count(end) != 0; }

    // Terminals with a text that ends with a closing end, in a lexer and under an obligation: some of them, where too much was tried.
    // Whoever goes through them may put first what is worth trying first.
    std::vector<int32_t>& next_terminals(int32_t lexer, int32_t obligation) {
        auto [found, is_new] = next_.emplace(pair_key(lexer, obligation), std::vector<int32_t>());
        if (!is_new) return found->second;
        try {
            for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal)
                if (is_closed(lexer, obligation, terminal)) found->second.push_back(terminal);
        } catch (const LimitError&) {
        }
        return found->second;
    }

private:
    static constexpr size_t MOST_READ = 400000;  // texts
    static constexpr size_t MOST_TEXTS = 6;      // of a terminal

    Automata& automata_;
    LexemeAutomaton& lexemes_;
    const ParseTables& tables_;
    std::set<int32_t> ends_;
    std::vector<std::vector<std::pair<int32_t, int32_t>>> followers_;  // by terminal: (lexer, terminal) that may come after it
    std::map<int32_t, std::vector<std::string>> texts_;                // by terminal
    std::map<std::tuple<int32_t, int32_t, int32_t>, std::vector<int32_t>> ends_after_;
    std::unordered_map<uint64_t, std::vector<int32_t>> next_;
    size_t n_read_ = 0;

    void find_followers() {
        std::vector<std::set<std::pair<int32_t, int32_t>>> found(tables_.n_terminals);
        for (int32_t state = 0; state < tables_.n_states; ++state)
            for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal) {
                const int32_t after = tables_.is_skipped(terminal) ? state : tables_.action(state, terminal) - 1;
                if (after < 0) continue;
                for (int32_t next : tables_.accepted(after)) found[terminal].emplace(tables_.lexers[after], next);
            }
        for (const auto& pairs : found) followers_.emplace_back(pairs.begin(), pairs.end());
    }

    // Take away the ends that not everything can follow; whether there were some.
    bool drop_others() {
        std::vector<int32_t> others;
        for (int32_t end : ends_)
            if (!is_followed(end)) others.push_back(end);
        for (int32_t end : others) ends_.erase(end);
        return !others.empty();
    }
    bool is_followed(int32_t end) {
        const LexemeAutomaton::End here = lexemes_.end(end);
        if (lexemes_.has_need(here.obligation)) return false;
        const auto& followers = followers_[here.terminal];
        return std::all_of(followers.begin(), followers.end(), [&](const auto& next) { return is_closed(next.first, here.obligation, next.second); });
    }
    bool is_closed(int32_t lexer, int32_t obligation, int32_t terminal) {
        const std::vector<int32_t>& found = ends_after(lexer, obligation, terminal);
        return std::any_of(found.begin(), found.end(), [&](int32_t end) { return has(end); });
    }

    // The ends of the short texts of a terminal.
    const std::vector<int32_t>& ends_after(int32_t lexer, int32_t obligation, int32_t terminal) {
        auto [found, is_new] = ends_after_.emplace(std::make_tuple(lexer, obligation, terminal), std::vector<int32_t>());
        if (!is_new || tables_.texts[terminal].empty()) return found->second;
        try {
            const int32_t begin = lexemes_.start_of(lexer, 0, obligation);
            if (begin == DEAD) return found->second;
            for (const std::string& text : texts_of(begin, terminal)) {
                if (++n_read_ > MOST_READ) throw LimitError("short texts after short texts", MOST_READ);
                const int32_t end = lexemes_.end_of(begin, text, terminal);
                if (end >= 0) found->second.push_back(end);
            }
        } catch (const Lookaround&) {  // of some terminal there: whoever comes there will be told
        }
        return found->second;
    }

    // The short text of a terminal, and those with one byte more that end otherwise.
    const std::vector<std::string>& texts_of(int32_t begin, int32_t terminal) {
        auto [found, is_new] = texts_.emplace(terminal, std::vector<std::string>());
        if (!is_new) return found->second;
        std::vector<std::string>& texts = found->second;
        texts.push_back(tables_.texts[terminal]);
        int32_t state = begin;
        for (char byte : texts[0]) state = state == DEAD ? DEAD : automata_.step(state, static_cast<uint8_t>(byte));
        if (state == DEAD) {
            texts_.erase(found);  // to be made by a lexer that reads it
            static const std::vector<std::string> none;
            return none;
        }
        std::set<int32_t> ends{lexemes_.end_of(begin, texts[0], terminal)};
        lexemes_.each_step(state, [&](uint8_t byte, int32_t) {
            const std::string longer = texts[0] + static_cast<char>(byte);
            if (texts.size() < MOST_TEXTS && ends.insert(lexemes_.end_of(begin, longer, terminal)).second) texts.push_back(longer);
        });
        return texts;
    }
};

}  // namespace tokentrellis
