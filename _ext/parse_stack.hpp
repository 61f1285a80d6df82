// A grammar given by LALR parse tables and lexers: readings go as an LR parser with a contextual lexer goes.
//
// A continuation is the stack of the parser: its top is a number for (state of the parser, obligation of the lexeme before,
// lexemes.hpp), what is below are plain states. In a state of the parser its lexer reads a lexeme, one automaton for all terminals
// that the tables accept there, so a reading nearly always has one configuration; its terminal reduces and shifts. What is
// skipped leaves the stack as it is. All is as `lark` does it, which decides for a lexeme before it knows whether the parser can
// use it, and what the grammar says after that is an error there. Here such lexemes are filtered before they are begun:
//   - a terminal that the tables accept in the state but the stack does not (LALR look-ahead is merged);
//   - an end whose obligation leaves no way to the end.
// The second is decided by looking for a text to the end (`complete`): the shortest derivation that the stack asks for, each
// terminal by its shortest text, with text that is skipped in between where two lexemes would be one; failing that, a search.
// It has to be asked only for obligations that such a separator does not end, if separators part all lexemes (`is_separable_`).
// Costs to the end are those of the same texts. Knuth, Information and Control 8(6), 1965; DeRemer & Pennello, TOPLAS 4(4), 1982.
#pragma once

#include "lexemes.hpp"
#include "network.hpp"

namespace tokentrellis {

struct ParseTables {
    static constexpr int32_t ERROR = 0;
    struct Rule {
        int32_t origin, length;
    };
    struct Item {  // of the kernel of a state: what is left of a rule once `n_read` symbols of it stand on the stack
        int32_t rule, n_read;
        std::vector<int32_t> rest;  // symbols: terminals from 0 up, ~rule names
    };
    int32_t n_states = 0, n_terminals = 0, n_origins = 0, start = 0, accepting = 0;
    int32_t end = 0;                    // the terminal that stands for the end of the text
    std::vector<int32_t> actions;       // [state][terminal]: 0 error, s + 1 shift to s, -(r + 1) reduce r
    std::vector<int32_t> gotos;         // [state][origin]: a state, or -1
    std::vector<Rule> rules;
    std::vector<std::vector<Item>> items;  // by state
    std::vector<int32_t> lexers;           // by state
    std::vector<int32_t> skipped;          // terminals
    std::vector<int32_t> special_tokens;   // by terminal: a token id, or -1
    std::vector<std::string> texts;        // by terminal: a short text
    std::vector<int32_t> costs;            // by origin: bytes of a shortest derivation
    std::vector<int32_t> firsts;           // by origin: its first terminal, or -1 if it is empty
};

class ParseStack final : public Driver {
public:
    ParseStack(Network& network, LexemeAutomaton& lexemes, ParseTables tables) : network_(network), lexemes_(lexemes), tables_(std::move(tables)) {
        for (int32_t state = 0; state < tables_.n_states; ++state) places_.push_back({state, LexemeAutomaton::NOTHING});
        is_skipped_.resize(tables_.n_terminals, 0);
        for (int32_t terminal : tables_.skipped) is_skipped_[terminal] = 1;
        for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal)
            if (tables_.special_tokens[terminal] >= 0) special_.push_back(terminal);
        find_separator();
    }

    int32_t start() { return network_.continuation(tables_.start + 1, BOTTOM); }

    void gather(int32_t continuation, Closure& out) override {
        if (is_several(continuation)) {
            for (int32_t member : several_[parent(continuation)]) gather(member, out);
            return;
        }
        const Place here = place(continuation);
        const int32_t stack = bare(continuation);
        out.accepting |= ends_at(continuation);
        for (int32_t terminal : special_) {
            const int32_t to = lexemes_.has_need(here.obligation) ? NONE : shift(stack, terminal);
            if (to != NONE) out.special_tokens.push_back({tables_.special_tokens[terminal], to});
        }
        const int32_t begin = begin_of(continuation, stack, here);
        if (begin != DEAD) out.configurations.push_back({begin, stack, 0});
        opened_[stack].push_back(continuation);
    }

    int32_t after(int32_t link, int32_t label) override {
        const uint64_t key = pair_key(link, label);
        const int32_t known = after_.find(key);
        if (known != FlatMap::MISSING) return known;
        std::vector<int32_t> found;
        for (int32_t end : lexemes_.ends_of(label)) found.push_back(after_end(link, end));
        const int32_t made = found.size() == 1 ? found[0] : several(std::move(found));
        after_.insert(key, made);
        return made;
    }

    int32_t finish(int32_t continuation, std::string& text, bool& is_special) override {
        if (is_several(continuation)) {
            for (int32_t member : several_[parent(continuation)])
                if (complete(member)) return member;
            return NO_WAY;
        }
        if (ends_at(continuation)) return BOTTOM;
        if (!complete(continuation)) return NO_WAY;
        const Step& step = steps_.at(continuation);
        text = step.text, is_special = step.is_special;
        return step.after;
    }

    bool rest_of_step(const Configuration& c, std::string& text, int32_t& after) override {
        const std::vector<int32_t> opened = opened_[c.link];
        for (size_t i = n_recorded_[c.link]; i < opened.size(); ++i) record(opened[i], c.link);
        n_recorded_[c.link] = opened.size();
        auto found = rests_.find(pair_key(c.state, c.link));
        if (found == rests_.end()) return false;
        text = found->second.text, after = found->second.after;
        return true;
    }

private:
    static constexpr int32_t NONE = -1;
    static constexpr int64_t FAR = int64_t{1} << 40;
    static constexpr size_t MOST_SEARCHED = 4000;

    struct Place {
        int32_t state, obligation;
    };
    struct Step {
        std::string text;
        int32_t after;
        bool is_special = false;
    };
    struct Reduction {  // of an origin on top of a stack: what completes the text at best from there
        int64_t cost = FAR;
        int32_t item = -1;
    };

    Network& network_;
    LexemeAutomaton& lexemes_;
    const ParseTables tables_;
    std::vector<Place> places_;  // by number - 1
    FlatMap place_index_, after_, shifts_;
    std::vector<std::vector<int32_t>> several_;  // continuations, where a lexeme may end in several ways
    std::map<std::vector<int32_t>, int32_t> several_index_;
    std::vector<int8_t> is_skipped_;
    std::vector<int32_t> special_;  // terminals that are special tokens
    std::unordered_map<int32_t, std::vector<int32_t>> opened_;  // stack -> continuations, with obligations, that were begun
    std::unordered_map<int32_t, size_t> n_recorded_;
    std::unordered_map<int32_t, Step> steps_;
    std::unordered_map<uint64_t, Step> rests_;
    std::unordered_map<int32_t, bool> hopeless_;
    std::unordered_map<int32_t, std::vector<Reduction>> reductions_;  // by stack
    std::string separator_;
    bool is_separable_ = false;
    std::set<int32_t> goes_on_;  // ends that no separator follows, but all that the parser accepts then
    std::vector<int8_t> reads_separator_;  // by node of the lexers
    std::unordered_map<int32_t, std::vector<int32_t>> doubtful_;  // by state of the automaton: ends
    std::set<int32_t> clean_;                                      // states that lead to no such end

    // ---- the stack ----------------------------------------------------------------------------------------------
    const Place& place(int32_t continuation) const { return places_[network_.at(continuation).target - 1]; }
    int32_t state_of(int32_t stack) const { return place(stack).state; }
    int32_t parent(int32_t stack) const { return network_.at(stack).parent; }
    int32_t bare(int32_t continuation) { return network_.continuation(place(continuation).state + 1, network_.at(continuation).parent); }
    int32_t with_obligation(int32_t stack, int32_t obligation) {
        if (obligation == LexemeAutomaton::NOTHING) return stack;
        const uint64_t key = pair_key(state_of(stack), obligation);
        int32_t number = place_index_.find(key);
        if (number == FlatMap::MISSING) {
            places_.push_back({state_of(stack), obligation});
            number = static_cast<int32_t>(places_.size());
            place_index_.insert(key, number);
        }
        return network_.continuation(number, parent(stack));
    }
    int32_t action(int32_t state, int32_t terminal) const { return tables_.actions[static_cast<size_t>(state) * tables_.n_terminals + terminal]; }
    int32_t next_state(int32_t state, int32_t origin) const { return tables_.gotos[static_cast<size_t>(state) * tables_.n_origins + origin]; }

    int32_t reduced(int32_t stack, int32_t rule) {
        for (int32_t n = tables_.rules[rule].length; n > 0; --n) stack = parent(stack);
        return network_.continuation(next_state(state_of(stack), tables_.rules[rule].origin) + 1, stack);
    }

    // The stack after a terminal, NONE where the parser refuses it.
    int32_t shift(int32_t stack, int32_t terminal) {
        const uint64_t key = pair_key(stack, terminal);
        const int32_t known = shifts_.find(key);
        if (known != FlatMap::MISSING) return known == BOTTOM ? NONE : known;
        int32_t at = stack, to = NONE;
        while (true) {
            const int32_t todo = action(state_of(at), terminal);
            if (todo > 0) to = network_.continuation(todo, at);
            if (todo >= 0) break;
            at = reduced(at, -todo - 1);
        }
        shifts_.insert(key, to == NONE ? BOTTOM : to);
        return to;
    }

    // Where a lexeme ends in several ways, which the text that follows decides: all of them.
    static constexpr int32_t SEVERAL = 1 << 30;
    bool is_several(int32_t continuation) const { return network_.at(continuation).target == SEVERAL; }
    int32_t several(std::vector<int32_t> members) {
        std::sort(members.begin(), members.end());
        auto [found, is_new] = several_index_.emplace(members, static_cast<int32_t>(several_.size()));
        if (is_new) several_.push_back(std::move(members));
        return network_.continuation(SEVERAL, found->second);
    }

    int32_t after_end(int32_t stack, int32_t end) {
        const LexemeAutomaton::End read = lexemes_.end(end);
        const int32_t to = is_skipped_[read.terminal] ? stack : shift(stack, read.terminal);
        if (to == NONE) throw std::logic_error("a lexeme that the parser refuses was not filtered");
        return with_obligation(to, read.obligation);
    }

    bool ends_at(int32_t continuation) { return ends(bare(continuation)) && !lexemes_.has_need(place(continuation).obligation); }

    bool ends(int32_t stack) {
        const uint64_t key = pair_key(stack, tables_.end);
        const int32_t known = shifts_.find(key);
        if (known != FlatMap::MISSING) return known != BOTTOM;
        int32_t at = stack;
        bool found = false;
        while (!found) {
            const int32_t todo = action(state_of(at), tables_.end);
            if (todo >= 0) break;
            at = reduced(at, -todo - 1);
            found = state_of(at) == tables_.accepting;
        }
        shifts_.insert(key, found ? stack : BOTTOM);
        return found;
    }

    // ---- where lexemes begin ------------------------------------------------------------------------------------
    // A filter of the terminals that the tables accept in the state but the stack does not, and of more ends.
    int32_t filter_of(int32_t stack, std::vector<int32_t> refused = {}) {
        const int32_t state = state_of(stack);
        for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal) {
            if (terminal == tables_.end || is_skipped_[terminal] || action(state, terminal) >= 0) continue;
            if (shift(stack, terminal) == NONE) refused.push_back(~terminal);
        }
        return lexemes_.filter_of(std::move(refused));
    }

    int32_t begin_of(int32_t continuation, int32_t stack, const Place& here) {
        const int32_t begin = plain_begin(stack, here);
        if (begin == DEAD) return DEAD;
        std::vector<int32_t> hopeless;
        for (int32_t end : doubtful_ends(begin))
            if (!complete(after_end(stack, end))) hopeless.push_back(end);
        if (hopeless.empty()) return begin;
        return lexemes_.start_of(tables_.lexers[here.state], filter_of(stack, std::move(hopeless)), here.obligation);
    }

    int32_t plain_begin(int32_t stack, const Place& here) {
        return lexemes_.start_of(tables_.lexers[here.state], filter_of(stack), here.obligation);
    }

    // The ends that may be reached from a state and of which it is not certain that there is a way to the end of the text.
    const std::vector<int32_t>& doubtful_ends(int32_t begin) {
        auto [found, is_new] = doubtful_.try_emplace(begin);
        if (!is_new || clean_.count(begin)) return found->second;
        std::vector<int32_t> doubtful, visited;
        explore(begin, [&](int32_t state) {
            if (clean_.count(state)) return false;
            visited.push_back(state);
            const int32_t label = automata().label(state);
            if (label >= 0)
                for (int32_t end : lexemes_.ends_of(label))
                    if (!is_separable_ || !(goes_on_.count(end) || is_ended_by_separator(lexemes_.end(end).obligation))) doubtful.push_back(end);
            return !is_separable_ || lexemes_.any_thread(state, [&](int32_t node) { return reads_separator_[node] != 0; });
        });
        if (doubtful.empty()) clean_.insert(visited.begin(), visited.end());
        std::sort(doubtful.begin(), doubtful.end());
        doubtful.erase(std::unique(doubtful.begin(), doubtful.end()), doubtful.end());
        return doubtful_[begin] = std::move(doubtful);
    }

    Automata& automata() { return network_.lexicon.automata; }

    template <class Visit>
    void explore(int32_t begin, Visit visit) {
        std::vector<int32_t> queue{begin};
        std::set<int32_t> seen{begin};
        for (size_t head = 0; head < queue.size(); ++head) {
            const int32_t at = queue[head];
            if (!visit(at)) continue;
            for (const auto& members : *lexemes_.classes()) {
                for (uint8_t byte : members) {
                    const int32_t to = automata().step(at, byte);
                    if (to == DEAD) continue;
                    if (seen.insert(to).second) queue.push_back(to);
                    break;
                }
            }
        }
    }

    bool is_ended_by_separator(int32_t obligation) {
        for (char byte : separator_) {
            if (obligation == LexemeAutomaton::NOTHING) return true;
            obligation = lexemes_.after(obligation, static_cast<uint8_t>(byte));
            if (obligation == LexemeAutomaton::VIOLATED) return false;
        }
        return obligation == LexemeAutomaton::NOTHING;
    }

    // ---- separators ---------------------------------------------------------------------------------------------
    // Whether a text is a lexeme of a terminal from a state on; sets its end.
    bool reads_as(int32_t state, const std::string& text, int32_t terminal, int32_t& end) {
        for (char byte : text) {
            if (state == DEAD) return false;
            state = automata().step(state, static_cast<uint8_t>(byte));
        }
        end = state == DEAD || text.empty() ? -1 : lexemes_.only_end(automata().label(state));
        return end >= 0 && lexemes_.end(end).terminal == terminal;
    }

    // A text that is skipped everywhere, after which every terminal that the parser accepts is read by its short text and may
    // be followed again. Then a reading can always go on, and follow the grammar.
    void find_separator() {
        for (int32_t terminal : tables_.skipped) {
            separator_ = tables_.texts[terminal];
            goes_on_.clear();
            if (separator_.empty() || !parts_everything(terminal)) continue;
            is_separable_ = true;
            break;
        }
        if (is_separable_) find_readers_of_separator();
    }

    bool parts_everything(int32_t separator) {
        std::map<int32_t, int32_t> parted;  // by lexer: the state after the separator
        std::set<std::pair<int32_t, int32_t>> checked;
        for (int32_t state = 0; state < tables_.n_states; ++state) {
            const int32_t lexer = tables_.lexers[state];
            if (!parted.count(lexer)) {
                const int32_t begin = lexemes_.start_of(lexer, 0, LexemeAutomaton::NOTHING);
                int32_t end;
                if (!reads_as(begin, separator_, separator, end)) return false;
                parted[lexer] = lexemes_.start_of(lexer, 0, lexemes_.end(end).obligation);
            }
            for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal) {
                if (terminal == tables_.end || tables_.special_tokens[terminal] >= 0 || action(state, terminal) == ParseTables::ERROR) continue;
                if (!checked.emplace(lexer, terminal).second) continue;
                int32_t end;
                if (!reads_as(parted[lexer], tables_.texts[terminal], terminal, end) || !is_followed(end)) return false;
            }
        }
        return true;
    }

    // Whether a separator may follow an end; or else, as it does not follow a line feed with blanks, all that may come there.
    bool is_followed(int32_t first) {
        std::vector<int32_t> waiting{first};
        while (!waiting.empty()) {
            const int32_t end = waiting.back();
            waiting.pop_back();
            const LexemeAutomaton::End here = lexemes_.end(end);
            if (is_ended_by_separator(here.obligation) || !goes_on_.insert(end).second) continue;
            if (is_skipped_[here.terminal] || lexemes_.has_need(here.obligation)) return false;
            for (int32_t state = 0; state < tables_.n_states; ++state) {
                if (action(state, here.terminal) <= 0) continue;
                const int32_t after = action(state, here.terminal) - 1;
                const int32_t begin = lexemes_.start_of(tables_.lexers[after], 0, here.obligation);
                for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal) {
                    if (terminal == tables_.end || tables_.special_tokens[terminal] >= 0 || action(after, terminal) == ParseTables::ERROR) continue;
                    int32_t following;
                    if (!reads_as(begin, tables_.texts[terminal], terminal, following)) return false;
                    waiting.push_back(following);
                }
            }
        }
        return true;
    }

    // Nodes from which the first byte of the separator may be read, now or later.
    void find_readers_of_separator() {
        const LexemeProgram& program = lexemes_.program();
        const uint8_t byte = static_cast<uint8_t>(separator_[0]);
        std::vector<int8_t> class_reads(program.classes.size(), 0);
        for (size_t i = 0; i < class_reads.size(); ++i)
            for (const LexemeClassEdge& edge : program.classes[i]) class_reads[i] |= contains(edge.bytes, byte);
        reads_separator_.assign(program.nodes.size(), 0);
        for (bool changed = true; changed;) {
            changed = false;
            for (size_t i = program.nodes.size(); i-- > 0;) {
                const LexemeNode& node = program.nodes[i];
                bool reads = node.kind == READ_NODE && class_reads[node.first];
                if (node.kind != END_NODE && node.kind != FORK_NODE) reads |= reads_separator_[node.next] != 0;
                if (node.kind == AHEAD_NODE || node.kind == NOT_AHEAD_NODE) reads |= reads_separator_[node.first] != 0;
                for (int32_t target : node.targets) reads |= reads_separator_[target] != 0;
                if (reads && !reads_separator_[i]) reads_separator_[i] = 1, changed = true;
            }
        }
    }

    // ---- the way to the end -------------------------------------------------------------------------------------
    // Finds the next step of a way to the end, and all that follow it; false if there is none.
    bool complete(int32_t continuation) {
        std::vector<std::pair<int32_t, Step>> path;
        std::set<int32_t> on_path;
        int32_t at = continuation;
        while (!ends_at(at) && !steps_.count(at)) {
            Step step;
            if (hopeless_.count(at) || !on_path.insert(at).second || !planned_step(at, step)) {
                if (!search(at)) {
                    if (path.empty()) return false;
                    return search(continuation);
                }
                break;
            }
            path.push_back({at, step});
            at = step.after;
        }
        for (auto& [from, step] : path) steps_.emplace(from, std::move(step));
        return true;
    }

    // The next lexeme of the shortest derivation, or a separator before it.
    bool planned_step(int32_t continuation, Step& step) {
        const int32_t stack = bare(continuation), terminal = next_terminal(stack);
        if (terminal < 0) return false;
        if (tables_.special_tokens[terminal] >= 0) {
            step = {"", shift(stack, terminal), true};
            return step.after != NONE && !lexemes_.has_need(place(continuation).obligation);
        }
        const int32_t begin = plain_begin(stack, place(continuation));
        if (begin == DEAD) return false;
        if (step_reads(begin, stack, terminal, step)) return true;
        for (int32_t skipped : tables_.skipped) {
            if (!step_reads(begin, stack, skipped, step)) continue;
            const int32_t parted = plain_begin(stack, place(step.after));
            Step following;
            if (parted != DEAD && step.after != continuation && step_reads(parted, stack, terminal, following)) return true;
        }
        return false;
    }

    bool step_reads(int32_t begin, int32_t stack, int32_t terminal, Step& step) {
        int32_t end;
        if (!reads_as(begin, tables_.texts[terminal], terminal, end)) return false;
        step = {tables_.texts[terminal], after_end(stack, end), false};
        return true;
    }

    // All ends of lexemes from a state on, each with a shortest text.
    std::vector<std::pair<int32_t, std::string>> lexemes_from(int32_t begin) {
        std::vector<std::pair<int32_t, std::string>> found;
        std::vector<std::pair<int32_t, std::string>> queue{{begin, ""}};
        std::set<int32_t> seen{begin}, ends;
        for (size_t head = 0; head < queue.size(); ++head) {
            const auto [at, text] = queue[head];
            const int32_t label = automata().label(at);
            if (label >= 0)
                for (int32_t end : lexemes_.ends_of(label))
                    if (ends.insert(end).second) found.push_back({end, text});
            for (const auto& members : *lexemes_.classes())
                for (uint8_t byte : members) {
                    const int32_t to = automata().step(at, byte);
                    if (to == DEAD) continue;
                    if (seen.insert(to).second) queue.push_back({to, text + static_cast<char>(byte)});
                    break;
                }
        }
        return found;
    }

    // Best first over continuations, by the bytes so far and those that the stack asks for.
    bool search(int32_t from) {
        if (hopeless_.count(from)) return false;
        struct Found {
            int64_t cost;
            int32_t before;
            std::string text;
            bool is_special;
        };
        std::unordered_map<int32_t, Found> found{{from, {0, -1, "", false}}};
        std::set<std::tuple<int64_t, int32_t>> waiting{{0, from}};
        std::set<int32_t> closed;
        while (!waiting.empty()) {
            const int32_t at = std::get<1>(*waiting.begin());
            waiting.erase(waiting.begin());
            if (!closed.insert(at).second) continue;
            if (closed.size() > MOST_SEARCHED) throw LimitError("continuations searched for the end of a text", MOST_SEARCHED);
            if (ends_at(at) || steps_.count(at)) {
                for (int32_t to = at; found[to].before >= 0; to = found[to].before) steps_.emplace(found[to].before, Step{found[to].text, to, found[to].is_special});
                return true;
            }
            const int32_t begin = plain_begin(bare(at), place(at));
            if (hopeless_.count(at)) continue;
            const int64_t cost = found[at].cost;
            auto add = [&](int32_t to, const std::string& text, bool is_special) {
                const int64_t more = cost + static_cast<int64_t>(text.size()) + is_special;
                auto known = found.find(to);
                if (closed.count(to) || (known != found.end() && known->second.cost <= more)) return;
                found[to] = {more, at, text, is_special};
                waiting.insert({more + least_cost(bare(to)), to});
            };
            for (int32_t terminal : special_)
                if (shift(bare(at), terminal) != NONE && !lexemes_.has_need(place(at).obligation)) add(shift(bare(at), terminal), "", true);
            if (begin != DEAD)
                for (auto& [end, text] : lexemes_from(begin)) add(after_end(bare(at), end), text, false);
        }
        for (int32_t at : closed) hopeless_[at] = true;
        return false;
    }

    // Keeps what is left of the step from a continuation after each of its bytes.
    void record(int32_t continuation, int32_t stack) {
        if (ends_at(continuation) || !complete(continuation)) return;
        const Step step = steps_.at(continuation);
        if (step.is_special) return;
        int32_t state = network_.closure(continuation).configurations[0].state;
        for (size_t i = 0; i < step.text.size() && state != DEAD; ++i) {
            rests_.emplace(pair_key(state, stack), Step{step.text.substr(i), step.after, false});
            state = automata().step(state, static_cast<uint8_t>(step.text[i]));
        }
    }

    // ---- shortest derivations -----------------------------------------------------------------------------------
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

    // Dijkstra over the origins that the state can go on with: a rule that begins here leads to its origin on the same stack.
    std::vector<Reduction> find_reductions(int32_t stack) {
        std::vector<Reduction> made(tables_.n_origins);
        const int32_t state = state_of(stack);
        bool changed = true;
        while (changed) {
            changed = false;
            for (int32_t origin = 0; origin < tables_.n_origins; ++origin) {
                const int32_t next = next_state(state, origin);
                if (next < 0) continue;
                if (next == tables_.accepting && stack == start()) {
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

    int64_t least_cost(int32_t stack) {
        int64_t best;
        best_item(stack, best);
        return best;
    }

    // The first terminal of a shortest text to the end; -1: there is none.
    int32_t next_terminal(int32_t stack) {
        int64_t best;
        const int32_t chosen = best_item(stack, best);
        if (chosen < 0) return -1;
        const ParseTables::Item* item = &tables_.items[state_of(stack)][chosen];
        int32_t n = item->n_read;
        while (true) {
            const int32_t terminal = first_of(item->rest);
            if (terminal >= 0) return terminal;
            for (int32_t i = 0; i < n; ++i) stack = parent(stack);
            const int32_t origin = tables_.rules[item->rule].origin;
            const Reduction& reduction = reductions(stack)[origin];
            if (reduction.item < 0) return -1;
            item = &tables_.items[next_state(state_of(stack), origin)][reduction.item];
            n = item->n_read - 1;
        }
    }
};

}  // namespace tokentrellis
