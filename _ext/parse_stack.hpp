// A grammar given by LALR parse tables and lexers: readings go as an LR parser with a contextual lexer goes.
//
// A continuation is the stack of the parser: its top is a number for (state of the parser, obligation of the lexeme before,
// lexemes.hpp), what is below are plain states. In a state of the parser its lexer reads a lexeme, one automaton for all terminals
// that the tables accept there, so a reading nearly always has one configuration; its terminal reduces and shifts. What is
// skipped leaves the stack as it is. All is as `lark` does it, which decides for a lexeme before it knows whether the parser can
// use it, and what the grammar says after that is an error there. Here such lexemes are filtered before they are begun:
//   - a terminal that the tables accept in the state but the stack does not (LALR look-ahead is merged);
//   - an end whose obligation leaves no way to the end.
// The second is decided by looking for a text to the end (`complete`): the shortest derivation that the stack asks for
// (derivations.hpp), each terminal by its shortest text, with text that is skipped in between where two lexemes would be one;
// failing that, a search. It has to be asked only for ends that such a text does not always part from what follows
// (separators.hpp). Costs to the end are those of the same texts. Knuth, Information and Control 8(6), 1965; DeRemer & Pennello,
// TOPLAS 4(4), 1982.
#pragma once

#include "derivations.hpp"
#include "lexeme_rows.hpp"
#include "separators.hpp"

namespace tokentrellis {

class ParseStack final : public Driver {
public:
    ParseStack(Network& network, LexemeAutomaton& lexemes, ParseTables tables)
        : network_(network), lexemes_(lexemes), tables_(std::move(tables)), derivations_(network, tables_),
          separator_(network.lexicon.automata, lexemes, tables_), depths_(network), rows_(network, lexemes, depths_) {
        for (int32_t state = 0; state < tables_.n_states; ++state) places_.push_back({state, LexemeAutomaton::NOTHING});
        for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal)
            if (tables_.special_tokens[terminal] >= 0) special_.push_back(terminal);
    }

    int32_t start() { return network_.continuation(tables_.start + 1, BOTTOM); }

    // Lets the lexers learn what the first masks need, while the grammar is compiled. What exceeds a limit or is not decided is
    // no matter until a text comes there.
    void prepare() {
        try {
            prepare_lexers();
            if (separator_.exists()) prepare_rows();
        } catch (const LimitError&) {
        } catch (const Lookaround&) {
        }
    }

    void gather(int32_t continuation, Closure& out) override {
        const int32_t before = depths_.begin();
        gather_noted(continuation, out);
        const int32_t lowest = depths_.end(before);
        if (closures_read_.size() <= static_cast<size_t>(continuation)) closures_read_.resize(static_cast<size_t>(continuation) * 2 + 64, 0);
        closures_read_[continuation] = lowest;
    }
    void note_closure(int32_t continuation) override { depths_.note(closures_read_[continuation]); }

    int32_t after(int32_t link, int32_t label) override {
        return remember(after_, pair_key(link, label), [&] {
            std::vector<int32_t> found;
            for (int32_t end : lexemes_.ends_of(label)) found.push_back(after_end(link, end));
            return found.size() == 1 ? found[0] : several(std::move(found));
        });
    }

    Row make_row(const Configurations& set) override { return rows_.make_row(set); }

    const std::vector<int32_t>* members_of(int32_t continuation) const override {
        return is_several(continuation) ? &several_[parent(continuation)] : nullptr;
    }

    int32_t finish(int32_t continuation, std::string& text, bool& is_special) override {
        if (ends_at(continuation)) return BOTTOM;
        if (!complete(continuation)) return NO_WAY;
        const Step& step = steps_.at(continuation);
        text = step.text, is_special = step.is_special;
        return step.after;
    }

    bool rest_of_step(const Configuration& c, std::string& text, int32_t& after) override {
        if (static_cast<size_t>(c.link) < opened_.size()) {
            const Opened opened = opened_[c.link];
            for (int32_t at = opened.last; at != opened.recorded; at = opened_before_[at]) record(at, c.link);
            opened_[c.link].recorded = opened.last;
        }
        auto found = rests_.find(pair_key(c.state, c.link));
        if (found == rests_.end()) return false;
        text = found->second.text, after = found->second.after;
        return true;
    }

private:
    static constexpr int32_t NONE = -1;
    static constexpr size_t MOST_SEARCHED = 4000, FEW_STEPS = 64;
    static constexpr int32_t MOST_PREPARED = 64;  // lexers
    static constexpr size_t MOST_ROWS = 40;       // that are made in advance

    struct Place {
        int32_t state, obligation;
    };
    struct Step {
        std::string text;
        int32_t after;
        bool is_special = false;
    };

    // The continuations that were begun on a stack, each with its obligation, as a chain from the last one to the first.
    static constexpr int32_t UNOPENED = -2;
    struct Opened {
        int32_t last = NONE, recorded = NONE;
    };

    struct Result {
        int32_t found, lowest;  // a stack, NONE if there is none, or a filter; how far down was read to find out
    };

    Network& network_;
    LexemeAutomaton& lexemes_;
    const ParseTables tables_;
    ShortestDerivations derivations_;
    Separator separator_;
    StackDepths depths_;
    LexemeRows rows_;
    std::vector<Result> results_;         // of what is asked often
    std::vector<int32_t> closures_read_;  // by continuation: how far down its closure read
    std::vector<int32_t> pushed_;         // states above a stack, while a terminal is read
    std::vector<Place> places_;  // by number - 1
    FlatMap place_index_, after_, shifts_, filters_;
    struct Begin {
        int32_t stack, n_places, state;  // of the lexer, where so many of the upper places are these
    };
    std::unordered_map<int32_t, std::vector<Begin>> begins_;  // by what is on top: a state of the parser and an obligation
    std::vector<std::vector<int32_t>> several_;  // continuations, where a lexeme may end in several ways
    std::map<std::vector<int32_t>, int32_t> several_index_;
    std::vector<int32_t> special_;  // terminals that are special tokens
    std::vector<Opened> opened_;          // by stack
    std::vector<int32_t> opened_before_;  // by continuation: the one before it on the same stack; UNOPENED
    std::unordered_map<int32_t, Step> steps_;
    std::unordered_map<uint64_t, Step> rests_;
    std::unordered_set<int32_t> hopeless_;

    void prepare_lexers() {
        const int32_t n_lexers = std::min(static_cast<int32_t>(lexemes_.program().lexers.size()), MOST_PREPARED);
        for (int32_t lexer = 0; lexer < n_lexers; ++lexer) {
            const int32_t begin = lexemes_.start_of(lexer, 0, LexemeAutomaton::NOTHING);
            if (begin == DEAD) continue;
            rows_.prepare(lexemes_, begin, [&](int32_t label) {
                const LexemeAutomaton::End read = lexemes_.end(lexemes_.ends_of(label)[0]);
                return tables_.is_skipped(read.terminal) ? lexemes_.start_of(lexer, 0, read.obligation) : DEAD;
            });
        }
    }

    // The rows of the places that are nearest to the start: what is found out for them holds for other stacks, too.
    void prepare_rows() {
        std::vector<int32_t> queue{start()};
        std::unordered_set<int32_t> seen{queue[0]};
        for (size_t head = 0; head < queue.size() && head < MOST_ROWS; ++head) {
            const int32_t at = queue[head], stack = bare(at);
            make_row({{AT_CONTINUATION, at, 0}});
            const Configurations begins = network_.closure(at).configurations;
            if (begins.empty()) continue;
            for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal) {
                if (tables_.texts[terminal].empty() || tables_.action(state_of(stack), terminal) == ParseTables::ERROR) continue;
                const int32_t end = lexemes_.end_of(begins[0].state, tables_.texts[terminal], terminal);
                const int32_t to = end < 0 || shift(stack, terminal) == NONE ? NONE : after_end(stack, end);
                if (to != NONE && seen.insert(to).second) queue.push_back(to);
            }
        }
    }

    void gather_noted(int32_t continuation, Closure& out) {
        if (const std::vector<int32_t>* members = members_of(continuation)) {
            depths_.note(0);
            for (int32_t member : std::vector<int32_t>(*members)) gather(member, out);  // more are found meanwhile
            return;
        }
        depths_.note(depths_.of(continuation));
        const Place here = place(continuation);
        const int32_t stack = bare(continuation);
        out.accepting |= ends_at(continuation);
        for (int32_t terminal : special_) {
            const int32_t to = lexemes_.has_need(here.obligation) ? NONE : shift(stack, terminal);
            if (to != NONE) out.special_tokens.push_back({tables_.special_tokens[terminal], to});
        }
        const int32_t begin = begin_of(continuation, stack, here);
        if (begin != DEAD) out.configurations.push_back({begin, stack, 0});
        note_opened(stack, continuation);
    }

    void note_opened(int32_t stack, int32_t continuation) {
        const size_t needed = static_cast<size_t>(std::max(stack, continuation)) + 1;
        if (opened_.size() < needed) opened_.resize(needed * 2 + 64), opened_before_.resize(opened_.size(), UNOPENED);
        if (opened_before_[continuation] != UNOPENED) return;
        opened_before_[continuation] = opened_[stack].last;
        opened_[stack].last = continuation;
    }

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
    // What is found for a key, once; how far down the stack is read for it is noted each time.
    template <class Find>
    int32_t remember(FlatMap& known, uint64_t key, Find find) {
        int32_t number = known.find(key);
        if (number == FlatMap::MISSING) {
            const int32_t before = depths_.begin();
            const int32_t made = find();
            number = static_cast<int32_t>(results_.size());
            results_.push_back({made, depths_.end(before)});
            known.insert(key, number);
        }
        depths_.note(results_[number].lowest);
        return results_[number].found;
    }

    // What the parser does with a terminal: reduces, above some stack that is left, and says what comes then. Nothing is made of
    // the states in between. The states above the stack stay in `pushed_`.
    int32_t reduce(int32_t& stack, int32_t& depth, int32_t terminal, bool stops_at_end) { return reduce_from({}, stack, depth, terminal, stops_at_end); }
    // The same where some states stand above the stack.
    int32_t reduce_from(const std::vector<int32_t>& above, int32_t& stack, int32_t& depth, int32_t terminal, bool stops_at_end) {
        pushed_ = above;
        int32_t lowest = depth, state = above.empty() ? state_of(stack) : above.back();
        while (true) {
            const int32_t todo = tables_.action(state, terminal);
            if (todo >= 0 || (stops_at_end && state == tables_.accepting)) {
                depths_.note(lowest);
                return stops_at_end ? state == tables_.accepting : todo;
            }
            apply(tables_.rules[-todo - 1], stack, depth, pushed_);
            lowest = std::min(lowest, depth);
            state = pushed_.back();
        }
    }

    // The stack after a terminal, NONE where the parser refuses it.
    int32_t shift(int32_t stack, int32_t terminal) {
        return remember(shifts_, pair_key(stack, terminal), [&] {
            int32_t at = stack, depth = depths_.of(stack);
            const int32_t todo = reduce(at, depth, terminal, false);
            if (todo <= 0) return NONE;
            for (int32_t state : pushed_) at = network_.continuation(state + 1, at);
            return network_.continuation(todo, at);
        });
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
        const int32_t to = tables_.is_skipped(read.terminal) ? stack : shift(stack, read.terminal);
        if (to == NONE) throw std::logic_error("a lexeme that the parser refuses was not filtered");
        return with_obligation(to, read.obligation);
    }

    bool ends_at(int32_t continuation) { return ends(bare(continuation)) && !lexemes_.has_need(place(continuation).obligation); }

    bool ends(int32_t stack) {
        return remember(shifts_, pair_key(stack, tables_.end), [&] {
            int32_t at = stack, depth = depths_.of(stack);
            return reduce(at, depth, tables_.end, true) ? stack : NONE;
        }) != NONE;
    }

    // ---- where lexemes begin ------------------------------------------------------------------------------------
    // A filter of the terminals that the tables accept in the state but the stack does not, and of more ends.
    int32_t filter_of(int32_t stack) {
        return remember(filters_, static_cast<uint64_t>(stack), [&] { return make_filter(stack, {}); });
    }
    int32_t make_filter(int32_t stack, std::vector<int32_t> refused) {
        const int32_t state = state_of(stack);
        std::vector<int32_t> terminals;
        terminals.reserve(static_cast<size_t>(tables_.n_terminals));
        for (int32_t terminal = 0; terminal < tables_.n_terminals; ++terminal)
            if (terminal != tables_.end && !tables_.is_skipped(terminal) && tables_.action(state, terminal) < 0) terminals.push_back(terminal);
        refuse(stack, depths_.of(stack), {}, terminals.data(), terminals.data() + terminals.size(), refused);
        return lexemes_.filter_of(std::move(refused));
    }

    // Which terminals are refused where some states stand above a stack. Those that are reduced by one rule go on together, as
    // nearly all do: a chain of ten reductions for each of 70 terminals was two thirds of the time of a new stack.
    void refuse(int32_t stack, int32_t depth, std::vector<int32_t> pushed, int32_t* const first, int32_t* last, std::vector<int32_t>& refused) {
        while (first != last) {
            const int32_t state = pushed.empty() ? state_of(stack) : pushed.back();
            depths_.note(depth);
            int32_t rule = 0;  // by which the first of them is reduced
            int32_t* others = last;
            for (int32_t* at = first; at != others;) {
                const int32_t todo = tables_.action(state, *at);
                if (todo < 0 && (rule == 0 || todo == rule)) {
                    rule = todo, ++at;
                } else if (todo < 0) {
                    std::swap(*at, *--others);
                } else {
                    if (todo == ParseTables::ERROR) refused.push_back(~*at);
                    *at = *--others, *others = *--last;
                }
            }
            if (others != last) refuse(stack, depth, pushed, others, last, refused);
            if (rule == 0) return;
            apply(tables_.rules[-rule - 1], stack, depth, pushed);
            last = others;
        }
    }

    // Reduces by a rule above a stack.
    void apply(const ParseTables::Rule& rule, int32_t& stack, int32_t& depth, std::vector<int32_t>& pushed) const {
        int32_t n = rule.length;
        const int32_t n_above = std::min(n, static_cast<int32_t>(pushed.size()));
        pushed.resize(pushed.size() - static_cast<size_t>(n_above));
        for (n -= n_above; n > 0; --n) stack = parent(stack), --depth;
        pushed.push_back(tables_.next_state(pushed.empty() ? state_of(stack) : pushed.back(), rule.origin));
    }

    // The state of the lexer at a continuation; that of a stack with the same upper places, where one is known.
    int32_t begin_of(int32_t continuation, int32_t stack, const Place& here) {
        if (separator_.is_certain(tables_.lexers[here.state], here.obligation)) return plain_begin(stack, here);
        std::vector<Begin>& known = begins_[network_.at(continuation).target];
        for (const Begin& other : known) {
            if (!depths_.agree(other.stack, stack, other.n_places)) continue;
            depths_.note_places(stack, other.n_places);
            return other.state;
        }
        const int32_t before = depths_.begin();
        const int32_t made = find_begin(stack, here);
        const int32_t n_places = depths_.n_places(stack, depths_.end(before));
        if (n_places <= StackDepths::MOST_PLACES && known.size() < StackDepths::MOST_ALIKE) known.push_back({stack, n_places, made});
        return made;
    }
    int32_t find_begin(int32_t stack, const Place& here) {
        depths_.note(depths_.of(stack));
        const int32_t lexer = tables_.lexers[here.state], begin = plain_begin(stack, here);
        if (begin == DEAD || all_go_on(stack, lexer, here.obligation)) return begin;
        std::vector<int32_t> hopeless;
        for (int32_t end : separator_.doubtful_ends(begin)) {
            if (goes_on(stack, end)) continue;
            depths_.note(0);  // a way to the end is one through the whole stack
            if (!complete(after_end(stack, end))) hopeless.push_back(end);
        }
        if (hopeless.empty()) return begin;
        return lexemes_.start_of(lexer, make_filter(stack, std::move(hopeless)), here.obligation);
    }

    // Whether that is so after all lexemes of a lexer that the parser takes, whatever may begin under an obligation.
    bool all_go_on(int32_t stack, int32_t lexer, int32_t obligation) {
        const std::vector<int32_t>* ends = separator_.doubtful_ends_of(lexer, obligation);
        return ends != nullptr && std::all_of(ends->begin(), ends->end(), [&](int32_t end) { return is_refused(stack, end) || goes_on(stack, end); });
    }

    // Whether a terminal may follow a lexeme with which a text can certainly be finished then.
    bool goes_on(int32_t stack, int32_t end) {
        if (!separator_.has_closing_ends()) return false;
        const LexemeAutomaton::End read = lexemes_.end(end);
        int32_t depth = depths_.of(stack);
        std::vector<int32_t> above;
        if (!tables_.is_skipped(read.terminal)) {
            const int32_t to = reduce(stack, depth, read.terminal, false);
            above = pushed_;
            above.push_back(to - 1);
        }
        const int32_t state = above.empty() ? state_of(stack) : above.back();
        std::vector<int32_t>& next = separator_.certain_terminals(tables_.lexers[state], read.obligation);
        for (size_t i = 0; i < next.size(); ++i) {
            if (tables_.action(state, next[i]) == ParseTables::ERROR) continue;
            int32_t at = stack, at_depth = depth;
            if (reduce_from(above, at, at_depth, next[i], false) <= 0) continue;
            std::swap(next[0], next[i]);  // it will be the first to be tried elsewhere
            return true;
        }
        return false;
    }
    bool is_refused(int32_t stack, int32_t end) {
        const int32_t terminal = lexemes_.end(end).terminal;
        if (tables_.is_skipped(terminal)) return false;
        int32_t todo = tables_.action(state_of(stack), terminal), depth = depths_.of(stack);
        if (todo < 0) todo = reduce(stack, depth, terminal, false);
        return todo <= 0;
    }

    int32_t plain_begin(int32_t stack, const Place& here) {
        return lexemes_.start_of(tables_.lexers[here.state], filter_of(stack), here.obligation);
    }

    // ---- the way to the end -------------------------------------------------------------------------------------
    // Finds the next step of a way to the end, and all that follow it; false if there is none.
    bool complete(int32_t continuation) {
        std::vector<std::pair<int32_t, Step>> path;
        std::set<int32_t> on_path;
        int32_t at = continuation;
        size_t most = FEW_STEPS;  // more than the derivation has, or a conflict of the tables leads away from it for ever
        while (!ends_at(at) && !steps_.count(at)) {
            Step step;
            if (path.size() > most) return search(continuation);
            if (path.size() == FEW_STEPS) most = std::max(most, static_cast<size_t>(2 * derivations_.least_cost(bare(continuation))));
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
        const int32_t stack = bare(continuation), terminal = derivations_.next_terminal(stack);
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
        const int32_t end = lexemes_.end_of(begin, tables_.texts[terminal], terminal);
        if (end < 0) return false;
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
            const int32_t label = network_.lexicon.automata.label(at);
            if (label >= 0)
                for (int32_t end : lexemes_.ends_of(label))
                    if (ends.insert(end).second) found.push_back({end, text});
            lexemes_.each_step(at, [&, &text = text](uint8_t byte, int32_t to) {
                if (seen.insert(to).second) queue.push_back({to, text + static_cast<char>(byte)});
            });
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
                waiting.insert({more + derivations_.least_cost(bare(to)), to});
            };
            for (int32_t terminal : special_)
                if (shift(bare(at), terminal) != NONE && !lexemes_.has_need(place(at).obligation)) add(shift(bare(at), terminal), "", true);
            if (begin != DEAD)
                for (auto& [end, text] : lexemes_from(begin)) add(after_end(bare(at), end), text, false);
        }
        hopeless_.insert(closed.begin(), closed.end());
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
            state = network_.lexicon.automata.step(state, static_cast<uint8_t>(step.text[i]));
        }
    }

};

}  // namespace tokentrellis
