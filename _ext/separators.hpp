// After which lexemes a text can certainly be finished: those that a separator may follow.
//
// In come parse tables and the automaton of their lexers, out come the *doubtful* ends of the lexemes that begin in a state:
// those after which somebody has to look for a way to the end (parse_stack.hpp). A separator is a short text that is skipped
// everywhere, after which every terminal that the parser accepts is read by its own short text and may be followed by the
// separator again: a blank in most languages. If there is one, a reading can go on from every end whose obligation the separator
// meets, terminal by terminal as the grammar has it; a lexeme is asked about only if the separator could belong to it
// (`select` may not end where `selectx` must). If there is none, the ends are doubtful that are not closing (closing_ends.hpp). Of tables with
// conflicts all are: what is shifted there need not lead on, though the parser accepts it.
//
// Cost: once, each terminal of each lexer; then each state of the automaton that may still read the separator, once.
#pragma once

#include "closing_ends.hpp"

namespace tokentrellis {

class Separator {
public:
    Separator(Automata& automata, LexemeAutomaton& lexemes, const ParseTables& tables) : automata_(automata), lexemes_(lexemes), tables_(tables), closing_(automata, lexemes, tables) {
        for (int32_t terminal : tables_.skipped) {
            text_ = tables_.texts[terminal];
            goes_on_.clear();
            exists_ = !tables.has_conflicts && !text_.empty() && parts_everything(terminal);
            if (exists_) break;
        }
        if (exists_) find_readers();
        else if (!tables.has_conflicts) closing_.find();
    }

    bool exists() const { return exists_; }
    bool has_closing_ends() const { return !closing_.empty(); }

    // Terminals of which it is certain that a text with one of them, in a lexer and under an obligation, can be finished.
    std::vector<int32_t>& certain_terminals(int32_t lexer, int32_t obligation) { return closing_.next_terminals(lexer, obligation); }

    // Whether there are no such ends from any state before a lexeme of a lexer, under an obligation. One that is decided by the next
    // byte is no part of an end, and a filter only takes ends away: then it is asked once for the lexer.
    bool is_certain(int32_t lexer, int32_t obligation) {
        if (!exists_ || !lexemes_.is_short(obligation)) return false;
        const int32_t begin = lexemes_.start_of(lexer, 0, LexemeAutomaton::NOTHING);
        return begin == DEAD || doubtful_ends(begin).empty();
    }

    // Of all lexemes of a lexer, whatever a stack refuses: for the many stacks of which these need not be told apart. Null: that is not
    // known under this obligation, or some look-around is undecided.
    const std::vector<int32_t>* doubtful_ends_of(int32_t lexer, int32_t obligation) {
        if (!has_closing_ends() || !lexemes_.is_short(obligation) || undecided_.count(lexer)) return nullptr;
        try {
            return &doubtful_ends(lexemes_.start_of(lexer, 0, LexemeAutomaton::NOTHING));
        } catch (const Lookaround&) {
            undecided_.insert(lexer);
            return nullptr;
        }
    }

    // The ends that may be reached from a state and of which it is not certain that there is a way to the end of the text.
    const std::vector<int32_t>& doubtful_ends(int32_t begin) {
        static const std::vector<int32_t> none;
        if (clean_.count(begin)) return none;
        auto known = doubtful_.find(begin);
        if (known != doubtful_.end()) return known->second;
        std::vector<int32_t> queue{begin};
        std::set<int32_t> seen{begin}, doubtful;
        for (size_t head = 0; head < queue.size(); ++head) {
            const int32_t at = queue[head];
            if (clean_.count(at)) continue;
            const int32_t label = automata_.label(at);
            if (label >= 0)
                for (int32_t end : lexemes_.ends_of(label))
                    if (is_doubtful(end)) doubtful.insert(end);
            if (exists_ && !lexemes_.any_thread(at, [&](int32_t node) { return reads_[node] != 0; })) continue;
            lexemes_.each_step(at, [&](uint8_t, int32_t to) {
                if (seen.insert(to).second) queue.push_back(to);
            });
        }
        if (doubtful.empty()) {
            clean_.insert(queue.begin(), queue.end());
            return none;
        }
        return doubtful_[begin] = std::vector<int32_t>(doubtful.begin(), doubtful.end());
    }

private:
    Automata& automata_;
    LexemeAutomaton& lexemes_;
    const ParseTables& tables_;
    ClosingEnds closing_;
    std::string text_;
    bool exists_ = false;
    std::set<int32_t> goes_on_;  // ends that no separator follows, but all that the parser accepts then
    std::set<int32_t> stops_;    // ends of which that is not so
    std::vector<int8_t> reads_;  // by node of the lexers: whether the separator may be read from there
    std::unordered_map<int32_t, std::vector<int32_t>> doubtful_;  // by state of the automaton: ends
    std::set<int32_t> undecided_;  // lexers
    std::set<int32_t> clean_;                                     // states that lead to no such end

    // An end that was not met among the short texts is asked about when it is met.
    bool is_doubtful(int32_t end) {
        if (!exists_) return !closing_.has(end);
        if (goes_on_.count(end) || is_ended(lexemes_.end(end).obligation)) return false;
        if (stops_.count(end)) return true;
        const std::set<int32_t> before = goes_on_;
        if (is_followed(end)) return false;
        goes_on_ = before;
        stops_.insert(end);
        return true;
    }

    // Whether the separator meets an obligation.
    bool is_ended(int32_t obligation) {
        for (char byte : text_) {
            if (obligation == LexemeAutomaton::NOTHING) return true;
            obligation = lexemes_.after(obligation, static_cast<uint8_t>(byte));
            if (obligation == LexemeAutomaton::VIOLATED) return false;
        }
        return obligation == LexemeAutomaton::NOTHING;
    }

    bool parts_everything(int32_t separator) {
        std::map<int32_t, int32_t> parted;  // by lexer: the state after the separator
        std::set<std::pair<int32_t, int32_t>> checked;
        for (int32_t state = 0; state < tables_.n_states; ++state) {
            const int32_t lexer = tables_.lexers[state];
            if (!parted.count(lexer)) {
                const int32_t end = lexemes_.end_of(lexemes_.start_of(lexer, 0, LexemeAutomaton::NOTHING), text_, separator);
                if (end < 0) return false;
                parted[lexer] = lexemes_.start_of(lexer, 0, lexemes_.end(end).obligation);
            }
            for (int32_t terminal : tables_.accepted(state)) {
                if (!checked.emplace(lexer, terminal).second) continue;
                const int32_t end = lexemes_.end_of(parted[lexer], tables_.texts[terminal], terminal);
                if (end < 0 || !is_followed(end)) return false;
            }
        }
        return true;
    }

    // Whether a separator may follow an end; or else, as it does not follow a line feed with blanks nor itself, all that may come
    // there.
    bool is_followed(int32_t first) {
        std::vector<int32_t> waiting{first};
        while (!waiting.empty()) {
            const int32_t end = waiting.back();
            waiting.pop_back();
            const LexemeAutomaton::End here = lexemes_.end(end);
            if (is_ended(here.obligation) || !goes_on_.insert(end).second) continue;
            if (lexemes_.has_need(here.obligation)) return false;
            std::set<std::pair<int32_t, int32_t>> checked;  // of this end: lexer, terminal
            for (int32_t state = 0; state < tables_.n_states; ++state) {
                const int32_t after = tables_.is_skipped(here.terminal) ? state : tables_.action(state, here.terminal) - 1;
                if (after < 0) continue;
                const int32_t lexer = tables_.lexers[after], begin = lexemes_.start_of(lexer, 0, here.obligation);
                for (int32_t terminal : tables_.accepted(after)) {
                    if (!checked.emplace(lexer, terminal).second) continue;
                    waiting.push_back(lexemes_.end_of(begin, tables_.texts[terminal], terminal));
                    if (waiting.back() < 0) return false;
                }
            }
        }
        return true;
    }

    // Nodes from which the first byte of the separator may be read, now or later.
    void find_readers() {
        const LexemeProgram& program = lexemes_.program();
        const uint8_t byte = static_cast<uint8_t>(text_[0]);
        std::vector<int8_t> class_reads(program.classes.size(), 0);
        for (size_t i = 0; i < class_reads.size(); ++i)
            for (const LexemeClassEdge& edge : program.classes[i]) class_reads[i] |= contains(edge.bytes, byte);
        reads_.assign(program.nodes.size(), 0);
        for (bool changed = true; changed;) {
            changed = false;
            for (size_t i = program.nodes.size(); i-- > 0;) {
                const LexemeNode& node = program.nodes[i];
                bool reads = node.kind == READ_NODE && class_reads[node.first];
                if (node.kind != END_NODE && node.kind != FORK_NODE) reads |= reads_[node.next] != 0;
                if (node.kind == AHEAD_NODE || node.kind == NOT_AHEAD_NODE) reads |= reads_[node.first] != 0;
                for (int32_t target : node.targets) reads |= reads_[target] != 0;
                if (reads && !reads_[i]) reads_[i] = 1, changed = true;
            }
        }
    }
};

}  // namespace tokentrellis
