// A lexer as one automaton: which terminal comes next, where its text ends, and what must not follow it.
//
// In come terminals as programs of ordered choices (what Python's `re` compiles a pattern to): nodes that read a character,
// fork in order of preference, look at the byte before or the text ahead, or end a terminal. A lexer is an ordered list of them.
// `re` takes the first terminal, and of it the first way in the order of the program, that matches; which may be known only
// later, when those that it prefers have failed. So a state is the ordered list of the threads that are alive (Pike 1987, Cox
// 2010), threads after one that ends are cut, and an end carries an *obligation*: the set of the preferred threads, none of which
// may end in the text that follows. `a` of /[a-z]+/ is a whole lexeme if no letter follows; `1` of INT beside FLOAT is one in
// `1.` if no digit follows. The obligation is checked byte by byte beside the next lexemes (a part of their states) until its
// threads have died, nearly always at the next byte. The text may end under any obligation without a need.
//
// An end is a pair (terminal, obligation), numbered; the label of a state is the list of its ends, which is one nearly always.
// Keywords that a pattern reads too (`select` among names) are read beside it by threads
// that cut nothing, and change the terminal when both end together. A look-ahead is a guard, which must not end (negative), or a
// need, which must (positive), carried by its thread. Where a terminal ends under a guard, what is less preferred counts if the
// guard fails: it gets the guard as a need, and may be a second end; a need that is open where a lexeme ends is part of the
// obligation, and the text may not end under it. `filter`: ends that lead nowhere where the lexer is used; they cut, and do not
// count. States are made when reached; a state that cannot reach an end is DEAD.
#pragma once

#include <map>
#include <set>
#include <tuple>

#include "automata.hpp"
#include "byte_classes.hpp"

namespace tokentrellis {

struct Lookaround : std::domain_error {
    Lookaround() : std::domain_error("a look-around of a terminal is undecided where the terminal ends") {}
};

class LexemeAutomaton final : public Automaton {
public:
    static constexpr int32_t NOTHING = 0;    // the obligation that nothing violates
    static constexpr int32_t VIOLATED = -1;

    struct End {
        int32_t terminal, obligation;
    };
    struct Thread {
        int32_t node, place;  // a READ node and the state inside its class
        int32_t guard = NOTHING, need = NOTHING;
        bool operator==(const Thread& o) const { return node == o.node && place == o.place && guard == o.guard && need == o.need; }
        bool operator<(const Thread& o) const { return std::tie(node, place, guard, need) < std::tie(o.node, o.place, o.guard, o.need); }
    };

    LexemeAutomaton(Automata& automata, int32_t id, LexemeProgram program) : automata_(automata), id_(id), program_(std::move(program)), classes_(program_) {
        intern_set({});
        filters_.push_back({});
        find_terminals();
    }

    const std::vector<std::vector<uint8_t>>* classes() const override { return &classes_.members; }
    const LexemeProgram& program() const { return program_; }
    const End& end(int32_t number) const { return ends_[number]; }
    const std::vector<int32_t>& ends_of(int32_t label) const { return labels_[label]; }
    // Whether something still has to come in the text.
    bool has_need(int32_t obligation) const { return !sets_[obligation].empty() && sets_[obligation].front().node < 0; }

    // The state before a lexeme of a lexer, under an obligation; DEAD if no lexeme can end.
    int32_t start_of(int32_t lexer, int32_t filter, int32_t obligation) {
        auto key = std::make_tuple(lexer, filter, obligation);
        auto found = starts_.find(key);
        if (found != starts_.end()) return found->second;
        Building made;
        made.obligation = obligation, made.filter = filter;
        const LexemeProgram::Lexer& wanted = program_.lexers[lexer];
        ++stamp_;
        for (int32_t node : wanted.words) reach_word(node, made);
        ++stamp_;
        for (int32_t node : wanted.starts) reach(node, NOTHING, NOTHING, -1, made);
        const int32_t local = intern(made);
        const int32_t state = local != DEAD && alive(local) ? number(local) : DEAD;
        if (state != DEAD) contents_[local].is_begin = true;
        starts_.emplace(key, state);
        return state;
    }

    // The end of a lexeme of a terminal that is this whole text, read from a state on; -1 if it is read as anything else, or not.
    int32_t end_of(int32_t state, const std::string& text, int32_t terminal) {
        for (char byte : text) {
            if (state == DEAD) return -1;
            state = automata_.step(state, static_cast<uint8_t>(byte));
        }
        const int32_t label = state == DEAD || text.empty() ? -1 : automata_.label(state);
        if (label < 0 || labels_[label].size() != 1) return -1;
        return ends_[labels_[label][0]].terminal == terminal ? labels_[label][0] : -1;
    }

    // Calls `visit(byte, to)` for one byte of each class that leads on from a state.
    template <class Visit>
    void each_step(int32_t state, Visit visit) {
        for (const auto& members : classes_.members)
            for (uint8_t byte : members) {
                const int32_t to = automata_.step(state, byte);
                if (to == DEAD) continue;
                visit(byte, to);
                break;
            }
    }

    // A set of ends that lead nowhere, by number; ~terminal stands for all ends of a terminal.
    int32_t filter_of(std::vector<int32_t> ends) {
        if (ends.empty()) return 0;
        std::sort(ends.begin(), ends.end());
        auto found = filter_index_.find(ends);
        if (found != filter_index_.end()) return found->second;
        const int32_t made = static_cast<int32_t>(filters_.size());
        filters_.push_back(ends);
        return filter_index_[std::move(ends)] = made;
    }

    // An obligation after one more byte; VIOLATED if that ends one of its threads, or a need can no longer be met.
    int32_t after(int32_t obligation, uint8_t byte) {
        if (obligation == NOTHING) return NOTHING;
        const uint64_t key = pair_key(obligation, byte);
        const int32_t known = set_steps_.find(key);
        if (known != FlatMap::MISSING) return known - 1;
        Set made;
        bool violated = false;
        const uint32_t outer = stamp_;  // what an outer walk has seen stays seen: this one has a stamp of its own
        stamp_ = ++inner_stamp_;
        const Set from = sets_[obligation];
        for (const Thread& thread : from) {
            Thread to = thread;
            if (thread.node < 0) {  // a need
                const int32_t need = after(thread.need, byte);
                if (need == NOTHING) violated = true;
                else if (need != VIOLATED) made.push_back(need_of(need));
                continue;
            }
            if (!advance(to, byte)) continue;
            if (to.place >= 0) made.push_back(to);
            else if (!spread(program_.nodes[to.node].next, to, byte, made)) violated = true;
        }
        stamp_ = outer;
        const int32_t result = violated ? VIOLATED : intern_set(std::move(made));
        set_steps_.insert(key, result + 1);
        return result;
    }

    // Whether an obligation is met or violated by the next byte, whatever that is.
    bool is_short(int32_t obligation) {
        if (obligation == NOTHING) return true;
        auto [found, is_new] = short_.emplace(obligation, false);
        if (is_new)
            found->second = std::all_of(classes_.members.begin(), classes_.members.end(), [&](const auto& members) {
                const int32_t to = after(obligation, members[0]);
                return to == NOTHING || to == VIOLATED;
            });
        return found->second;
    }

    bool is_varied(int32_t local) const override {
        const Content& content = contents_[local];
        return content.is_begin || content.filter != 0 || content.obligation != NOTHING || !content.words.empty();
    }

    // Whether some thread of a state, or of an obligation, passes a test of its node.
    template <class Test>
    bool any_thread(int32_t state, Test test) const {
        const Content& content = contents_[automata_.info[state].local];
        auto passes = [&](const Thread& thread) { return test(thread.node) || any_in_set(thread.guard, test) || any_in_set(thread.need, test); };
        return std::any_of(content.threads.begin(), content.threads.end(), passes) || any_in_set(content.obligation, test);
    }

    void compute(Automata& automata, int32_t state, uint8_t byte) override {
        const int32_t local = advance(automata.info[state].local, byte);
        const int32_t to = local != DEAD && alive(local) ? number(local) : DEAD;
        for (uint8_t member : classes_.members[classes_.of[byte]]) automata.set(state, member, contains(automata.usable, member) ? to : DEAD);
    }

    // ---- keywords, which change the name of an end and nothing else -----------------------------------------------
    const std::vector<Thread>& words_of(int32_t state) const { return contents_[automata_.info[state].local].words; }

    bool has_words(int32_t state) const { return !words_of(state).empty(); }

    // The same state without the keywords that are read beside the patterns; DEAD if there is no end then.
    int32_t without_words(int32_t state) {
        const int32_t local = automata_.info[state].local;
        if (contents_[local].words.empty()) return state;
        auto found = wordless_.find(local);
        if (found != wordless_.end()) return found->second;
        Building made;
        static_cast<Content&>(made) = contents_[local];
        made.words.clear();
        const int32_t plain = intern(made);
        if (plain != DEAD) contents_[plain].is_begin |= contents_[local].is_begin;
        return wordless_[local] = plain != DEAD && alive(plain) ? number(plain) : DEAD;
    }

    // The threads of a keyword after one more byte; true if it ends there.
    bool read_word(Thread word, uint8_t byte, std::vector<Thread>& out) {
        if (!advance(word, byte)) return false;
        if (word.place >= 0) {
            out.push_back(word);
            return false;
        }
        Building made;
        reach_word(program_.nodes[word.node].next, made);
        out.insert(out.end(), made.words.begin(), made.words.end());
        return !made.ended_words.empty();
    }

    // The bytes that may follow at once where a lexeme ends with this label.
    const ByteSet& openers(int32_t label) {
        while (openers_.size() <= static_cast<size_t>(label)) {
            ByteSet bytes{};
            for (const auto& members : classes_.members)
                if (goes_on(labels_[openers_.size()], members[0]))
                    for (uint8_t byte : members) bytes[byte >> 6] |= 1ull << (byte & 63);
            openers_.push_back(bytes);
        }
        return openers_[label];
    }

private:
    using Set = std::vector<Thread>;  // sorted; a need of an obligation comes first (node -1)

    struct Content {
        int32_t filter = 0, obligation = NOTHING, label = -1;
        std::vector<Thread> words;    // sorted
        std::vector<Thread> threads;  // the preferred ones first
        ByteSet reads{};              // bytes that some thread reads: all others lead nowhere
        bool is_begin = false;
    };
    struct Building : Content {
        std::vector<int32_t> ended_words, ends;
        bool cut = false;
        int32_t required = NOTHING;  // a guard that has to fail for what is less preferred to count

        void clear() {  // keeps the memory of the lists
            filter = 0, obligation = NOTHING, label = -1, is_begin = false, cut = false, required = NOTHING;
            words.clear(), threads.clear(), ended_words.clear(), ends.clear();
        }

        // Whether a thread that is less preferred than an end still counts; it has to wait for the guard of that end to fail.
        bool admits(Thread& thread) const {
            if (required == NOTHING) return true;
            if (thread.guard == required) return false;  // it fails with it
            if (thread.need != NOTHING && thread.need != required) throw Lookaround();
            thread.need = required;
            return true;
        }
    };

    Automata& automata_;
    int32_t id_;
    LexemeProgram program_;
    ByteClasses classes_;
    std::vector<Content> contents_;
    Building building_;  // of one step
    std::vector<int8_t> alive_;     // 1 yes, 0 no, -1 not known
    std::vector<int32_t> numbers_;  // local -> state
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_, set_index_, filter_index_;
    std::vector<Set> sets_;
    FlatMap set_steps_;  // (obligation, byte) -> obligation + 1, 0: VIOLATED
    std::map<std::tuple<int32_t, int32_t, int32_t>, int32_t> starts_;
    std::vector<std::vector<int32_t>> filters_;
    std::vector<End> ends_;
    std::unordered_map<uint64_t, int32_t> end_index_;
    std::vector<std::vector<int32_t>> labels_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> label_index_;
    std::unordered_map<int32_t, int32_t> wordless_;  // local -> state
    std::deque<ByteSet> openers_;                    // by label
    std::unordered_map<int32_t, bool> short_;        // by obligation
    FlatMap steps_;  // (local, class) -> local + 1, 0: DEAD
    std::vector<int32_t> key_;  // of one content
    std::map<std::tuple<int32_t, int32_t, int32_t>, uint32_t> seen_;
    std::vector<uint32_t> plainly_seen_;  // by node
    std::vector<int32_t> terminal_of_;    // by node of a program; -1 inside what is ahead
    uint32_t stamp_ = 0, inner_stamp_ = 1u << 31;

    static constexpr size_t MOST_SEARCHED = 20000;

    template <class Test>
    bool any_in_set(int32_t set, Test test) const {
        return std::any_of(sets_[set].begin(), sets_[set].end(), [&](const Thread& thread) {
            return thread.node < 0 || test(thread.node) || any_in_set(thread.guard, test) || any_in_set(thread.need, test);
        });
    }
    static Thread need_of(int32_t set) { return {-1, -1, NOTHING, set}; }

    bool goes_on(const std::vector<int32_t>& ends, uint8_t byte) {
        return std::any_of(ends.begin(), ends.end(), [&](int32_t end) { return after(ends_[end].obligation, byte) != VIOLATED; });
    }

    bool is_new(int32_t node, int32_t guard, int32_t need) {
        uint32_t& seen = guard == NOTHING && need == NOTHING ? plainly_seen_[node] : seen_[std::make_tuple(node, guard, need)];
        if (seen == stamp_) return false;
        seen = stamp_;
        return true;
    }

    // ---- threads ------------------------------------------------------------------------------------------------
    // One byte of a thread; place -1: its character is complete. False: the thread is dead.
    bool advance(Thread& thread, uint8_t byte) {
        int32_t to = -2;
        for (const LexemeClassEdge& edge : program_.classes[thread.place])
            if (contains(edge.bytes, byte)) to = edge.to;
        if (to == -2) return false;
        thread.place = to;
        thread.guard = after(thread.guard, byte);
        if (thread.guard == VIOLATED) return false;
        if (thread.need != NOTHING) {
            thread.need = after(thread.need, byte);
            if (thread.need == NOTHING) return false;
            if (thread.need == VIOLATED) thread.need = NOTHING;  // it has ended, as needed
        }
        return true;
    }

    // All threads from a node on, in no order, into a set; false: one of them ends here.
    bool spread(int32_t from, const Thread& like, int previous, Set& out) {
        std::vector<Thread> stack{like};
        stack[0].node = from;
        bool free = true;
        while (!stack.empty()) {
            Thread at = stack.back();
            stack.pop_back();
            if (!is_new(at.node, at.guard, at.need)) continue;
            const LexemeNode& node = program_.nodes[at.node];
            switch (node.kind) {
                case READ_NODE:
                    at.place = node.first;
                    out.push_back(at);
                    break;
                case FORK_NODE:
                    for (int32_t target : node.targets) at.node = target, stack.push_back(at);
                    break;
                case END_NODE:  // under a guard, it ends nothing if the guard fails: that is needed then; and the reverse
                    if (at.guard != NOTHING && at.need != NOTHING) throw Lookaround();
                    if (at.guard != NOTHING) out.push_back(need_of(at.guard));
                    else if (at.need != NOTHING) out.insert(out.end(), sets_[at.need].begin(), sets_[at.need].end());
                    else free = false;
                    break;
                default:
                    if (pass(node, at, previous)) stack.push_back(at);
            }
        }
        return free;
    }

    // Go on behind a condition; false: it fails.
    bool pass(const LexemeNode& node, Thread& at, int previous) {
        at.node = node.next;
        if (node.kind == PREVIOUS_NODE) return previous >= 0 && contains(node.bytes, previous);
        Set ahead;
        const uint32_t outer = stamp_;
        stamp_ = ++inner_stamp_;
        const bool free = spread(node.first, Thread{node.first, 0}, previous, ahead);
        stamp_ = outer;
        if (node.kind == NOT_AHEAD_NODE) {
            if (!free) return false;
            at.guard = unite(at.guard, ahead);
            return true;
        }
        if (!free) return true;
        if (at.need != NOTHING) throw Lookaround();
        at.need = intern_set(std::move(ahead));
        return at.need != NOTHING;
    }
    void reach_word(int32_t from, Building& out) {
        Set found;
        std::vector<int32_t> stack{from};
        while (!stack.empty()) {
            const int32_t at = stack.back();
            stack.pop_back();
            const LexemeNode& node = program_.nodes[at];
            if (node.kind == FORK_NODE) stack.insert(stack.end(), node.targets.begin(), node.targets.end());
            else if (node.kind == END_NODE) out.ended_words.push_back(node.first);
            else if (node.kind == READ_NODE) out.words.push_back({at, node.first});
        }
    }

    // The threads from a node on, in the order of preference.
    void reach(int32_t from, int32_t guard, int32_t need, int previous, Building& out) {
        std::vector<Thread> stack{Thread{from, 0, guard, need}};
        while (!stack.empty() && !out.cut) {
            Thread at = stack.back();
            stack.pop_back();
            if (!out.admits(at)) continue;
            if (!is_new(at.node, at.guard, at.need)) continue;
            const LexemeNode& node = program_.nodes[at.node];
            switch (node.kind) {
                case READ_NODE:
                    at.place = node.first;
                    out.threads.push_back(at);
                    break;
                case FORK_NODE:
                    for (size_t i = node.targets.size(); i-- > 0;) at.node = node.targets[i], stack.push_back(at);
                    break;
                case END_NODE:
                    end(node.first, at, out);
                    break;
                default:
                    if (pass(node, at, previous)) stack.push_back(at);
            }
        }
    }

    // A terminal may end here, if none of the threads before ends later.
    void end(int32_t terminal, const Thread& at, Building& out) {
        for (int32_t word : out.ended_words) {
            const auto& words = program_.words_of[terminal];
            if (std::find(words.begin(), words.end(), word) != words.end()) {
                terminal = word;
                break;
            }
        }
        if (at.need != out.required || (at.need != NOTHING && at.guard != NOTHING)) throw Lookaround();
        Set more = out.threads;
        more.insert(more.end(), sets_[at.guard].begin(), sets_[at.guard].end());
        if (at.need != NOTHING) more.push_back(need_of(at.need));
        out.cut = at.guard == NOTHING;
        out.required = at.guard;
        if (terminal < 0) return;  // a keyword that is ignored where it is no name: an error of Lark
        const int32_t number = number_end(terminal, unite(out.obligation, more));
        const std::vector<int32_t>& dead = filters_[out.filter];
        auto is_dead = [&](int32_t end) { return std::binary_search(dead.begin(), dead.end(), end); };
        if (!is_dead(number) && !is_dead(~terminal)) out.ends.push_back(number);
    }

    // ---- states -------------------------------------------------------------------------------------------------
    int32_t advance(int32_t local, uint8_t byte) {
        if (!contains(contents_[local].reads, byte)) return DEAD;
        const uint64_t key = pair_key(local, classes_.of[byte]);
        const int32_t known = steps_.find(key);
        if (known != FlatMap::MISSING) return known - 1;
        const Content& from = contents_[local];  // contents are added at the end only
        Building& made = building_;
        made.clear();
        made.filter = from.filter;
        made.obligation = after(from.obligation, byte);
        int32_t to = DEAD;
        if (made.obligation != VIOLATED) {
            ++stamp_;
            for (Thread word : from.words) {
                if (!advance(word, byte)) continue;
                if (word.place >= 0) made.words.push_back(word);
                else reach_word(program_.nodes[word.node].next, made);
            }
            std::sort(made.words.begin(), made.words.end());
            ++stamp_;
            for (Thread thread : from.threads) {
                if (made.cut) break;
                if (!advance(thread, byte)) continue;
                if (thread.place < 0) {
                    reach(program_.nodes[thread.node].next, thread.guard, thread.need, byte, made);
                    continue;
                }
                if (!made.admits(thread)) continue;
                if (std::find(made.threads.begin(), made.threads.end(), thread) == made.threads.end()) made.threads.push_back(thread);
            }
            to = intern(made);
        }
        steps_.insert(key, to + 1);
        return to;
    }

    int32_t intern(Building& made) {
        if (!made.ends.empty()) made.label = number_label(made.ends);
        if (made.threads.empty() && made.label < 0) return DEAD;
        if (made.filter != 0 && !is_filtered(made)) made.filter = 0;
        if (made.threads.empty()) made.words.clear(), made.obligation = NOTHING, made.filter = 0;
        std::vector<int32_t>& key = key_;
        key.assign({made.filter, made.obligation, made.label, static_cast<int32_t>(made.words.size())});
        for (const Thread& word : made.words) key.insert(key.end(), {word.node, word.place});
        for (const Thread& thread : made.threads) key.insert(key.end(), {thread.node, thread.place, thread.guard, thread.need});
        auto found = index_.find(key);
        if (found != index_.end()) return found->second;
        if (contents_.size() >= MAX_AUTOMATON_STATES) throw LimitError("automaton states of a lexer", MAX_AUTOMATON_STATES);
        const int32_t local = static_cast<int32_t>(contents_.size());
        contents_.push_back(made);
        ByteSet& reads = contents_.back().reads;
        reads = {};
        for (const Thread& thread : made.threads)
            for (const LexemeClassEdge& edge : program_.classes[thread.place])
                for (int word = 0; word < 4; ++word) reads[word] |= edge.bytes[word];
        alive_.push_back(made.label >= 0 ? 1 : -1);
        numbers_.push_back(-1);
        index_.emplace(key, local);
        return local;
    }

    // Whether a terminal that the filter is about may still end.
    bool is_filtered(const Content& content) const {
        auto is_dead = [&](int32_t terminal) {
            const std::vector<int32_t>& dead = filters_[content.filter];
            return std::any_of(dead.begin(), dead.end(), [&](int32_t end) { return (end < 0 ? ~end : ends_[end].terminal) == terminal; });
        };
        auto may_end_dead = [&](const Thread& thread) { return is_dead(terminal_of_[thread.node]); };
        return std::any_of(content.threads.begin(), content.threads.end(), may_end_dead) ||
               std::any_of(content.words.begin(), content.words.end(), may_end_dead);
    }

    int32_t number(int32_t local) {
        if (numbers_[local] < 0) {
            const Content& content = contents_[local];
            numbers_[local] = automata_.add_state(id_, local, content.label, content.label >= 0 && content.threads.empty());
        }
        return numbers_[local];
    }

    // Whether some end can still be reached. Without filters, obligations and look-around the most preferred thread gets there.
    bool alive(int32_t from) {
        if (alive_[from] >= 0) return alive_[from];
        if (is_plain(contents_[from]) && automata_.all_usable) {
            alive_[from] = 1;
            return true;
        }
        std::vector<int32_t> queue{from};
        std::unordered_map<int32_t, int32_t> parent{{from, -1}};
        for (size_t head = 0; head < queue.size(); ++head) {
            const int32_t at = queue[head];
            if (queue.size() > MOST_SEARCHED) throw LimitError("automaton states searched for the end of a lexeme", MOST_SEARCHED);
            for (const auto& members : classes_.members) {
                if (!automata_.all_usable && std::none_of(members.begin(), members.end(), [&](uint8_t byte) { return contains(automata_.usable, byte); })) continue;
                const int32_t to = advance(at, members[0]);
                if (to == DEAD || alive_[to] == 0 || !parent.emplace(to, at).second) continue;
                if (alive_[to] == 1 || (is_plain(contents_[to]) && automata_.all_usable)) {
                    for (int32_t i = to; i >= 0; i = parent[i]) alive_[i] = 1;
                    return true;
                }
                queue.push_back(to);
            }
        }
        for (int32_t at : queue) alive_[at] = 0;
        return false;
    }

    static bool is_plain(const Content& content) {
        return content.filter == 0 && content.obligation == NOTHING && !content.threads.empty() && content.threads[0].guard == NOTHING && content.threads[0].need == NOTHING;
    }

    // ---- sets and labels ----------------------------------------------------------------------------------------
    int32_t intern_set(Set set) {
        std::sort(set.begin(), set.end());
        set.erase(std::unique(set.begin(), set.end()), set.end());
        std::vector<int32_t> key;
        for (const Thread& thread : set) key.insert(key.end(), {thread.node, thread.place, thread.guard, thread.need});
        auto found = set_index_.find(key);
        if (found != set_index_.end()) return found->second;
        const int32_t made = static_cast<int32_t>(sets_.size());
        sets_.push_back(std::move(set));
        return set_index_[std::move(key)] = made;
    }
    int32_t unite(int32_t set, const Set more) {  // a copy: sets are added below
        if (more.empty()) return set;
        Set joined(sets_[set]);
        joined.insert(joined.end(), more.begin(), more.end());
        return intern_set(std::move(joined));
    }
    int32_t number_end(int32_t terminal, int32_t obligation) {
        auto [found, is_new] = end_index_.emplace(pair_key(terminal, obligation), static_cast<int32_t>(ends_.size()));
        if (is_new) ends_.push_back({terminal, obligation});
        return found->second;
    }
    int32_t number_label(const std::vector<int32_t>& ends) {
        auto [found, is_new] = label_index_.emplace(ends, static_cast<int32_t>(labels_.size()));
        if (is_new) labels_.push_back(ends);
        return found->second;
    }

    // The terminal at whose end each node arrives (a node belongs to one program).
    void find_terminals() {
        const auto& nodes = program_.nodes;
        terminal_of_.assign(nodes.size(), -1);
        plainly_seen_.assign(nodes.size(), 0);
        for (const LexemeProgram::Lexer& lexer : program_.lexers)
            for (const auto* begins : {&lexer.starts, &lexer.words})
                for (int32_t begin : *begins) mark_terminal(begin);
    }
    void mark_terminal(int32_t begin) {
        if (plainly_seen_[begin] == 1) return;
        std::vector<int32_t> reached{begin};
        plainly_seen_[begin] = 1;
        int32_t terminal = -1;
        for (size_t i = 0; i < reached.size(); ++i) {
            const LexemeNode& node = program_.nodes[reached[i]];
            if (node.kind == END_NODE) terminal = node.first;
            auto reach = [&](int32_t to) {
                if (plainly_seen_[to] != 1) plainly_seen_[to] = 1, reached.push_back(to);
            };
            for (int32_t target : node.targets) reach(target);
            if (node.kind != END_NODE && node.kind != FORK_NODE) reach(node.next);
        }
        for (int32_t node : reached) terminal_of_[node] = terminal;
        stamp_ = 1;
    }
};

}  // namespace tokentrellis
