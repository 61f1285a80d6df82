// A grammar at work: states made on demand, stacks as numbers, configurations, and their steps byte by byte.
//
// A configuration is one way to read the bytes so far: (automaton state of the current terminal, link, extra). The link
// says where to go on when the terminal is over: a continuation, that is a hash-consed (grammar state, parent), or,
// where that depends on the text read, the edge and the parent. `extra` is the characters counted (StringEdge) or the
// trie node (LiteralsEdge, OthersEdge). A finished terminal becomes (AT_CONTINUATION, continuation, 0), so equal
// situations meet. A matcher's state is an interned, sorted set of configurations: rollback and copy cost nothing, and
// whatever is learnt about a state is learnt once. Python is called only to expand a grammar state never met before, and for an
// object or array that it outlines (outlines.hpp) only once: the states of these are made here, with numbers of their own.
#pragma once

#include "flat_map.hpp"
#include "stable_list.hpp"
#include "text_limits.hpp"

namespace tokentrellis {

class Network;
void gather_merged(Network& network, int32_t continuation, Closure& out);

class Network {
public:
    Lexicon& lexicon;
    TextLimits texts{lexicon};
    std::unique_ptr<Driver> driver;
    bool distinct_keys = false, distinct_items = false;  // what the grammar demands of its JSON (repetitions.hpp)
    bool has_repeating = false, has_recalling = false;   // such states have been met
    bool documents = false;  // JSON documents are parts of the text; each ends at a state that says so
    bool merges = false;  // several ways to read a text are kept as one (merged_closure.hpp)
    bool has_limits = false;  // some terminal takes so many tokens at most (token_limits.hpp)

    Network(Lexicon& shared, int32_t start, void* owner, ExpandFunction expand, SuccessorFunction successor, ValueFunction value, RecallFunction recall)
        : lexicon(shared), owner_(owner), expand_(expand), successor_(successor), value_(value), recall_(recall) {
        continuations_.push_back({END_STATE, BOTTOM});
        start_continuation_ = continuation(start, BOTTOM);
    }

    // ---- filled by the expand callback -------------------------------------------------------------------------
    Edge& add_edge(int32_t state, EdgeKind kind, int32_t start, int32_t next) {
        GrammarState& entry = grammar_state(state);
        if (entry.n_edges == 0) entry.first_edge = static_cast<int32_t>(edges_.size());
        Edge& edge = edges_.emplace_back();
        edge.number = static_cast<int32_t>(edges_.size()) - 1;
        edge.kind = kind, edge.start = start, edge.next = next;
        edge.grammar_state = state, edge.index = entry.n_edges++;
        return edge;
    }
    void finish_state(int32_t state, bool final, int32_t finish, int32_t finish_label, ItemRule items, int32_t n_before, bool recalls, bool ends_document = false,
                      int32_t most_tokens = 0, double temperature = NO_TEMPERATURE) {
        GrammarState& entry = grammar_state(state);
        entry.final = final, entry.finish = finish, entry.finish_label = finish_label, entry.items = items;
        entry.n_before = n_before, entry.recalls = recalls, entry.ends_document = ends_document;
        entry.most_tokens = most_tokens, entry.temperature = temperature;
        has_repeating |= items == AWAITING, has_recalling |= recalls;
        entry.expanded = true;
    }
    // The state is the beginning of this object or array, all of whose states are made here.
    void add_object(int32_t state, ObjectOutline outline) {
        objects_.push_back(std::make_unique<ObjectOutline>(std::move(outline)));
        ObjectOutline& object = *objects_.back();
        object.rank.assign(object.order.size(), 0);
        for (size_t i = 0; i < object.order.size(); ++i) object.rank[object.order[i]] = static_cast<int32_t>(i);
        object.values.assign(object.order.size() + 1, UNASKED);
        object.begins = state;
        begin(state, object).object = &object;
    }
    void add_array(int32_t state, ArrayOutline outline) {
        arrays_.push_back(std::make_unique<ArrayOutline>(std::move(outline)));
        begin(state, *arrays_.back()).array = arrays_.back().get();
    }
    // A state with a number that the front end does not give out.
    int32_t make_state() {
        if (made_.size() > MAX_GRAMMAR_STATES) throw LimitError("states of a grammar", MAX_GRAMMAR_STATES);
        made_.emplace_back();
        return FIRST_MADE + static_cast<int32_t>(made_.size()) - 1;
    }
    int32_t add_table(std::vector<std::string> literals) {
        tables_.push_back(std::make_unique<LiteralTrie>(std::move(literals)));
        return static_cast<int32_t>(tables_.size()) - 1;
    }

    // ---- grammar states and continuations ----------------------------------------------------------------------
    const GrammarState& expand(int32_t state) {
        if (!grammar_state(state).expanded && state != END_STATE) {
            GrammarState& entry = grammar_state(state);
            entry.n_edges = 0;  // an expansion that failed half-way is begun anew
            if (entry.place == nullptr && expand_(owner_, state) < 0) throw PythonError();
            if (entry.object) expand_object(state, entry);
            if (entry.array) expand_array(state, entry);
        }
        return grammar_state(state);
    }
    // Whether a continuation goes on from a value that has to repeat an earlier one.
    bool follows_repetition(int32_t continuation) {
        if (!has_repeating || continuation == BOTTOM || members_of(continuation)) return false;
        const int32_t target = continuations_[continuation].target;
        return target > END_STATE && expand(target).items == REPEATED;
    }
    const Edge& edge(int32_t index) const { return edges_[index]; }
    const Edge& edge_of(const GrammarState& state, int32_t index) const { return edges_[state.first_edge + index]; }
    size_t n_edges() const { return edges_.size(); }
    size_t n_grammar_states() const { return grammar_states_.size() + made_.size(); }

    int32_t continuation(int32_t state, int32_t parent) { return state == END_STATE ? parent : link(state, parent); }

    // The edge that a configuration is on, if where it goes on or its extra depends on it.
    const Edge* edge_at(const Configuration& c) const {
        int32_t target = continuations_[c.link].target;
        return target < 0 ? &edges_[~target] : nullptr;
    }
    const LiteralTrie& table_of(const Edge& edge) const { return *tables_[edge.table]; }
    const Continuation& at(int32_t continuation) const { return continuations_[continuation]; }

    // Whether a grammar state follows a JSON document that is a part of the text.
    bool ends_document(int32_t target) { return target > END_STATE && target < ANY_OF && expand(target).ends_document; }
    // Whether what stands on a stack is within a JSON document: all of them, where the text is one.
    bool in_document(int32_t continuation) {
        if (!documents) return true;
        std::vector<int32_t> path;
        bool found = false;
        for (; continuation != BOTTOM; continuation = below(continuation)) {
            if (static_cast<size_t>(continuation) < in_document_.size() && in_document_[continuation] != UNKNOWN) {
                found = in_document_[continuation] == INSIDE;
                break;
            }
            path.push_back(continuation);
            if (ends_document(continuations_[continuation].target)) {
                found = true;
                break;
            }
        }
        if (in_document_.size() < continuations_.size()) in_document_.resize(continuations_.size(), UNKNOWN);
        for (int32_t passed : path) in_document_[passed] = found ? INSIDE : OUTSIDE;
        return found;
    }
    // Whether a bracket just read has opened a document: all that is on the stack within it is where it has come to.
    bool opens_document(const Configuration& c) {
        if (c.state != AT_CONTINUATION || c.link == BOTTOM) return false;
        const Continuation here = continuations_[c.link];
        if (here.target <= END_STATE || ends_document(here.target) || here.parent == BOTTOM || members_of(c.link)) return false;
        int32_t under = here.parent;
        while (members_of(under)) under = below(under);
        return under != BOTTOM && ends_document(continuations_[under].target);
    }

    // The most tokens that the terminal of a configuration with this link may take; 0: any number.
    int32_t token_limit(int32_t link) {
        const int32_t target = continuations_[link].target;
        return target > END_STATE && target < ANY_OF ? expand(target).most_tokens : 0;
    }
    bool is_limited(int32_t target) { return target > END_STATE && target < ANY_OF && expand(target).most_tokens > 0; }

    // The temperature of what is read on a stack: that of the innermost rule that has one, the highest of several stacks.
    double temperature(int32_t continuation) {
        std::vector<int32_t> waiting{continuation};
        while (!waiting.empty()) {
            const int32_t at = waiting.back();
            if (temperatures_.size() <= static_cast<size_t>(at)) temperatures_.resize(continuations_.size(), UNKNOWN_TEMPERATURE);
            const std::vector<int32_t>* members = members_of(at);
            const int32_t target = continuations_[at].target;
            double found = NO_TEMPERATURE;
            if (target > END_STATE && target < ANY_OF) found = expand(target).temperature;
            if (found == NO_TEMPERATURE && at != BOTTOM) {
                const int32_t* below = members ? members->data() : &continuations_[at].parent;
                const size_t n_waiting = waiting.size();
                for (size_t i = 0; i < (members ? members->size() : 1); ++i) {
                    const bool is_known = static_cast<size_t>(below[i]) < temperatures_.size() && temperatures_[below[i]] != UNKNOWN_TEMPERATURE;
                    if (is_known) found = std::max(found, temperatures_[below[i]]);
                    else waiting.push_back(below[i]);
                }
                if (waiting.size() > n_waiting) continue;
            }
            temperatures_[at] = found;
            waiting.pop_back();
        }
        return temperatures_[continuation];
    }
    // Whether something can be read in a state of a terminal. That nothing can where a product accepts is not always known.
    bool goes_on(int32_t state) {
        if (lexicon.automata.label(state) < 0) return true;
        for (int byte = 0; byte < 256; ++byte)
            if (lexicon.automata.step(state, static_cast<uint8_t>(byte)) != DEAD) return true;
        return false;
    }
    // The highest temperature of the terminals that the text is in; where it is in none, of those that may begin.
    double temperature(const Configurations& set) {
        double highest = NO_TEMPERATURE;
        bool is_inside = false;
        for (const Configuration& c : set) {
            if (c.state == AT_CONTINUATION || !goes_on(c.state)) continue;
            is_inside = true;
            highest = std::max(highest, temperature(c.link));
        }
        if (is_inside) return highest;
        for (const Configuration& c : set) {
            if (c.state != AT_CONTINUATION) continue;
            const Closure& begins = closure(c.link);
            for (const Configuration& start : begins.configurations) highest = std::max(highest, temperature(start.link));
            for (auto [token, continuation] : begins.special_tokens) highest = std::max(highest, temperature(continuation));
        }
        return highest;
    }

    // One continuation for several: any of them may follow.
    int32_t any_of(std::vector<int32_t> members) {
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
        if (members.size() == 1) return members[0];
        auto [found, is_new] = any_of_index_.emplace(members, static_cast<int32_t>(any_of_.size()));
        if (is_new) any_of_.push_back(std::move(members));
        return link(ANY_OF, found->second);
    }
    const std::vector<int32_t>* members_of(int32_t continuation) const {
        const Continuation& here = continuations_[continuation];
        return here.target == ANY_OF && merges ? &any_of_[here.parent] : nullptr;
    }

    // Where to go on when the terminal of a configuration is over.
    int32_t after(int32_t link, int32_t label) {
        if (driver) return driver->after(link, label);
        Continuation here = continuations_[link];
        if (here.target >= 0) return link;
        return continuation(next_state(edges_[~here.target], label), here.parent);
    }

    int32_t next_state(Edge& edge, int32_t label) {
        if (edge.next != BY_LABEL) return edge.next;
        const int32_t known = successor_index_.find(pair_key(edge.number, label));
        if (known != FlatMap::MISSING) return successors_[known].next;
        const GrammarState& from = grammar_state(edge.grammar_state);
        int32_t next = from.object ? after_key(*from.object, *from.place, edge, label) : successor_(owner_, edge.grammar_state, edge.index, label);
        if (next < 0) throw PythonError();
        successor_index_.insert(pair_key(edge.number, label), static_cast<int32_t>(successors_.size()));
        successors_.emplace_back() = {label, next, edge.last_successor};
        edge.last_successor = static_cast<int32_t>(successors_.size()) - 1;
        return next;
    }
    // What has been asked for of an edge, the last one first.
    std::vector<Successor> successors_of(const Edge& edge) const {
        std::vector<Successor> found;
        for (int32_t place = edge.last_successor; place >= 0; place = found.back().previous) found.push_back(successors_[place]);
        return found;
    }

    // The value that a continuation, after a key, reads, if it is read after several keys or in other grammars: its edge, or null.
    const Edge* shared_call(int32_t continuation) {
        const int32_t target = continuations_[continuation].target;
        if (target < FIRST_MADE) return nullptr;
        const GrammarState& state = expand(target);
        if (state.object || state.array || state.n_edges != 1 || edges_[state.first_edge].kind != CALL_EDGE) return nullptr;
        const Edge& call = edges_[state.first_edge];
        const GrammarState& value = grammar_state(call.start);
        return value.value != OWN_VALUE || value.n_callers > 1 ? &call : nullptr;
    }
    int32_t value_of(int32_t state) { return grammar_state(state).value; }
    void set_value(int32_t state, int32_t value) { grammar_state(state).value = value; }

    // The grammar state to go on from instead of one that recalls the items of its array, which are given as JSON.
    int32_t recall(int32_t state, const std::vector<std::string>& items) {
        const int32_t next = recall_(owner_, state, items);
        if (next < 0) throw PythonError();
        return next;
    }

    // The configuration before a JSON string, if one can be read.
    void begin_string(int32_t index, int32_t parent, Closure& out) {
        const Edge& edge = edges_[index];
        if (edge.start == DEAD) return;
        Configuration c{edge.start, link(~index, parent), 0};
        if (edge.kind == OTHERS_EDGE && edge.table < 0) c.extra = NO_NODE;
        if (edge.kind == OTHERS_EDGE && !other_possible(edge, c.state, c.extra)) return;
        out.configurations.push_back(c);
    }

    const Closure& closure(int32_t continuation) {
        if (static_cast<size_t>(continuation) < closure_of_.size() && closure_of_[continuation] >= 0) return closures_[closure_of_[continuation]];
        Closure made;
        ShortList<int32_t, 6> active;
        if (driver) driver->gather(continuation, made);
        else if (merges) gather_merged(*this, continuation, made);
        else gather(continuation, made, active, 0);
        std::sort(made.configurations.begin(), made.configurations.end());
        made.configurations.erase(std::unique(made.configurations.begin(), made.configurations.end()), made.configurations.end());
        if (static_cast<size_t>(continuation) >= closure_of_.size()) closure_of_.resize(continuations_.size(), -1);
        closure_of_[continuation] = static_cast<int32_t>(closures_.size());
        return closures_.emplace_back() = std::move(made);
    }

    // ---- stepping ----------------------------------------------------------------------------------------------

    void step(const Configurations& from, uint8_t byte, Configurations& to) {
        to.clear();
        for (const Configuration& c : from) step(c, byte, to);
        settle(to);
    }
    // What several steps gave, in the form of a state.
    void settle(Configurations& set) {
        if (set.size() < 2) return;
        std::sort(set.begin(), set.end());
        set.erase(std::unique(set.begin(), set.end()), set.end());
        if (merges) merge(set);
    }

    // The same for one configuration; adds to what is there.
    void step(const Configuration& c, uint8_t byte, Configurations& out) {
        if (c.state == AT_CONTINUATION) {
            const Closure& begins = closure(c.link);
            for (const Configuration& start : begins.configurations) step(start, byte, out);
            return;
        }
        const Edge* edge = edge_at(c);
        Automata& automata = lexicon.automata;
        if (edge == nullptr) {
            int32_t to = automata.step(c.state, byte);
            if (to == DEAD) return;
            if (automata.label(to) >= 0) out.push_back({AT_CONTINUATION, driver ? driver->after(c.link, automata.label(to)) : c.link, 0});
            if (!automata.exhausted(to)) out.push_back({to, c.link, 0});
            return;
        }
        int32_t to, extra;
        if (edge->kind == STRING_EDGE) {
            to = automata.step(c.state, byte);
            if (to == DEAD) return;
            extra = c.extra + lexicon.begins_character(c.state, byte);
            if (edge->most >= 0 && extra > edge->most) return;
            if (automata.exhausted(to) ? extra < edge->least : !texts.length_possible(*edge, to, extra)) return;
            extra = clip(*edge, extra);
        } else {
            const LiteralTrie* trie = edge->table >= 0 ? &table_of(*edge) : nullptr;
            if (trie == nullptr) {
                to = automata.step(c.state, byte), extra = NO_NODE;
                if (to == DEAD) return;
            } else if (!step_literal(lexicon, *trie, c.state, c.extra, byte, to, extra)) {
                return;
            }
            if (edge->kind == LITERALS_EDGE ? !literal_possible(lexicon, *trie, edge->legal, to, extra) : !other_possible(*edge, to, extra)) return;
        }
        if (automata.exhausted(to)) {
            int32_t label = edge->kind == LITERALS_EDGE ? table_of(*edge).nodes[extra].literal : automata.label(to);
            out.push_back({AT_CONTINUATION, after(c.link, label), 0});
        } else {
            out.push_back({to, c.link, extra});
        }
    }

    // The bytes that may come next, and perhaps some that may not: cheaper than a step by each.
    ByteSet possible_bytes(const Configurations& set) {
        ByteSet bytes{};
        for (const Configuration& c : set) {
            if (c.state != AT_CONTINUATION) {
                add_possible(c, bytes);
                continue;
            }
            for (const Configuration& start : closure(c.link).configurations) add_possible(start, bytes);
        }
        return bytes;
    }

    bool accepting(const Configurations& set) {
        for (const Configuration& c : set)
            if (c.state == AT_CONTINUATION && closure(c.link).accepting) return true;
        return false;
    }

    // Whether a text that is none of the excluded literals can still be completed.
    bool other_possible(const Edge& edge, int32_t state, int32_t node) {
        return node == NO_NODE || texts.other_possible(edge.table, table_of(edge), state, node);
    }

    // The count that matters: with no upper bound, everything from the lower bound on is the same.
    static int32_t clip(const Edge& edge, int32_t count) { return edge.most < 0 ? std::min(count, edge.least) : count; }

    int32_t start_continuation() const { return start_continuation_; }
    void set_driver(std::unique_ptr<Driver> made, int32_t start) {
        driver = std::move(made);
        start_continuation_ = start;
    }

    // Whether some OthersEdge met so far may run out of texts: a text begun can go on in finitely many ways only.
    bool others_may_run_out() {
        for (; n_checked_ < edges_.size() && !others_run_out_; ++n_checked_) {
            const Edge& edge = edges_[n_checked_];
            if (edge.kind == OTHERS_EDGE && edge.start != DEAD) others_run_out_ = !lexicon.always_infinite(lexicon.string_of(edge.start).content);
        }
        return others_run_out_;
    }

    // Whether all OthersEdges met so far read any text.
    bool others_are_plain() {
        for (; n_plain_ < edges_.size(); ++n_plain_) {
            const Edge& edge = edges_[n_plain_];
            if (edge.kind == OTHERS_EDGE && edge.start != DEAD && !lexicon.string_of(edge.start).universal) return false;
        }
        return lexicon.spells_all();
    }

private:
    // Configurations before a terminal become one, whose closure has each callee once (they come first in the order).
    void merge(Configurations& set) {
        size_t n = 0;
        while (n < set.size() && set[n].state == AT_CONTINUATION && !(documents && in_document(set[n].link))) ++n;
        if (n < MERGED_FROM) return;
        std::vector<int32_t> links;
        for (size_t i = 0; i < n; ++i) links.push_back(set[i].link);
        set.erase(set.begin() + 1, set.begin() + static_cast<std::ptrdiff_t>(n));
        set[0].link = any_of(std::move(links));
    }

    void* owner_;
    ExpandFunction expand_;
    SuccessorFunction successor_;
    ValueFunction value_;
    RecallFunction recall_;
    StableList<GrammarState> grammar_states_, made_;
    std::vector<std::unique_ptr<ObjectOutline>> objects_;
    std::vector<std::unique_ptr<ArrayOutline>> arrays_;
    FlatMap calls_;  // (rule, next) -> the state that calls the rule and goes on there
    StableList<Edge> edges_;
    StableList<Successor> successors_;
    FlatMap successor_index_;  // (edge, label)
    std::vector<std::unique_ptr<LiteralTrie>> tables_;
    std::vector<Continuation> continuations_;
    FlatMap continuation_index_;
    std::vector<std::vector<int32_t>> any_of_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> any_of_index_;
    StableList<Closure> closures_;
    std::vector<int32_t> closure_of_;  // by continuation; -1: not made
    enum InDocument : int8_t { UNKNOWN, INSIDE, OUTSIDE };
    std::vector<InDocument> in_document_;  // by continuation
    static constexpr double UNKNOWN_TEMPERATURE = -2;
    std::vector<double> temperatures_;      // by continuation
    int32_t start_continuation_ = BOTTOM;
    size_t n_checked_ = 0, n_plain_ = 0;  // edges
    bool others_run_out_ = false;

    // What a continuation stands on; of several, which are all in a document or none, the first.
    int32_t below(int32_t continuation) const {
        const std::vector<int32_t>* members = members_of(continuation);
        return members ? members->front() : continuations_[continuation].parent;
    }

    void add_possible(const Configuration& c, ByteSet& bytes) {
        const Edge* edge = edge_at(c);
        if (edge == nullptr || edge->kind != LITERALS_EDGE || lexicon.automata.info[c.state].phase != BODY) {
            const ByteSet& possible = lexicon.automata.possible_bytes(c.state);
            for (int word = 0; word < 4; ++word) bytes[word] |= possible[word];
            return;
        }
        const LiteralTrie& trie = table_of(*edge);
        auto add = [&](uint8_t byte) { bytes[byte >> 6] |= 1ull << (byte & 63); };
        for (int32_t below = trie.nodes[c.extra].child; below != NO_NODE; below = trie.nodes[below].sibling) add(trie.nodes[below].byte);
        add('"'), add('\\');
    }

    GrammarState& grammar_state(int32_t state) {
        if (state >= FIRST_MADE) return made_[state - FIRST_MADE];
        if (static_cast<size_t>(state) >= grammar_states_.size()) {
            if (static_cast<size_t>(state) > MAX_GRAMMAR_STATES) throw LimitError("states of a grammar", MAX_GRAMMAR_STATES);
            grammar_states_.resize(state + 1);
        }
        return grammar_states_[state];
    }

    // ---- the states of outlined objects and arrays ---------------------------------------------------------------
    template <class Outline>
    GrammarState& begin(int32_t state, Outline& outline) {
        GrammarState& entry = grammar_state(state);
        entry.place = &outline.states.emplace(outline.start(), state).first->first;
        return entry;
    }

    int32_t state_at(ObjectOutline& object, Place place) {
        auto [known, is_new] = object.states.emplace(std::move(place), END_STATE);
        if (is_new) {
            known->second = make_state();
            grammar_state(known->second).object = &object, grammar_state(known->second).place = &known->first;
        }
        return known->second;
    }
    int32_t state_at(ArrayOutline& array, Place place) {
        auto [known, is_new] = array.states.emplace(std::move(place), END_STATE);
        if (is_new) {
            known->second = make_state();
            grammar_state(known->second).array = &array, grammar_state(known->second).place = &known->first;
        }
        return known->second;
    }

    void expand_object(int32_t state, GrammarState& entry) {
        const ObjectOutline& object = *entry.object;
        const bool is_empty = !entry.place->back();
        const int32_t need = object.first_needed(*entry.place);
        LegalSet legal = object.legal(*entry.place, need);
        int32_t n_before = 0;
        if (legal.any()) {
            Edge& names = add_edge(state, LITERALS_EDGE, object.name.at(is_empty), BY_LABEL);
            names.table = object.table;
            names.legal = std::move(legal);
        }
        if (object.other.first != DEAD && (need < 0 || object.any_order)) {
            add_edge(state, OTHERS_EDGE, object.other.at(is_empty), BY_LABEL).table = object.excluded;
            if (need >= 0) n_before = is_empty ? 0 : object.n_before;
        }
        const int32_t finish = need < 0 ? entry.n_edges : 0;
        if (need < 0) add_edge(state, TERMINAL_EDGE, object.close.at(is_empty), END_STATE);
        finish_state(state, false, finish, std::max(need, 0), ANY_ITEM, n_before, false);
    }

    void expand_array(int32_t state, GrammarState& entry) {
        ArrayOutline& array = *entry.array;
        const int64_t index = static_cast<int64_t>((*entry.place)[0]);
        const int32_t item = array.item(index);
        if (item >= 0) add_edge(state, CALL_EDGE, item, state_at(array, array.after(*entry.place)));
        const int32_t finish = index >= array.least ? entry.n_edges : 0;
        if (index >= array.least) add_edge(state, TERMINAL_EDGE, array.close.at(index == 0), END_STATE);
        finish_state(state, false, finish, 0, ANY_ITEM, 0, false);
    }

    // The state after a key: it reads the value and goes on in the object.
    int32_t after_key(ObjectOutline& object, const Place& place, const Edge& edge, int32_t label) {
        const bool is_name = edge.kind == LITERALS_EDGE;
        int32_t& value = object.values[is_name ? label + 1 : 0];
        if (value == UNASKED && (value = value_(owner_, object.begins, is_name ? label : -1)) < 0) throw PythonError();
        const int32_t next = state_at(object, is_name ? object.after_name(place, label) : object.after_other(place));
        const int32_t known = calls_.find(pair_key(value, next));
        if (known != FlatMap::MISSING) return known;
        const int32_t made = make_state();
        grammar_state(value).n_callers += 1;
        add_edge(made, CALL_EDGE, value, next);
        finish_state(made, false, 0, 0, ANY_ITEM, 0, false);
        calls_.insert(pair_key(value, next), made);
        return made;
    }

    int32_t link(int32_t target, int32_t parent) {
        uint64_t key = pair_key(target, parent);
        int32_t found = continuation_index_.find(key);
        if (found != FlatMap::MISSING) return found;
        int32_t made = static_cast<int32_t>(continuations_.size());
        continuations_.push_back({target, parent});
        continuation_index_.insert(key, made);
        return made;
    }

    void gather(int32_t continuation, Closure& out, ShortList<int32_t, 6>& active, int depth) {
        if (continuation == BOTTOM) {
            out.accepting = true;
            return;
        }
        if (depth > MAX_CALL_DEPTH) throw LimitError("rules entered before anything is read", MAX_CALL_DEPTH);
        int32_t state = continuations_[continuation].target, parent = continuations_[continuation].parent;
        for (int32_t open : active)
            if (open == state) throw LeftRecursion();
        const GrammarState entry = expand(state);
        for (int32_t i = 0; i < entry.n_edges; ++i) {
            int32_t index = entry.first_edge + i;
            const Edge& edge = edges_[index];
            switch (edge.kind) {
                case TERMINAL_EDGE:
                    if (edge.start != DEAD) out.configurations.push_back({edge.start, this->continuation(edge.next, parent), 0});
                    break;
                case TOKEN_EDGE:
                    out.special_tokens.push_back({edge.start, this->continuation(edge.next, parent)});
                    break;
                case CALL_EDGE: {
                    int32_t callee = edge.start, next = edge.next;
                    active.push_back(state);
                    gather(this->continuation(callee, this->continuation(next, parent)), out, active, depth + 1);
                    active.pop_back();
                    break;
                }
                default:
                    begin_string(index, parent, out);
            }
        }
        // The rule may be over: what follows it may begin. A state met again below is another occurrence, no recursion.
        if (entry.final) {
            ShortList<int32_t, 6> fresh;
            gather(parent, out, fresh, depth + 1);
        }
    }
};

}  // namespace tokentrellis
