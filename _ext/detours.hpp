// What it may cost to differ: tokens for an item, or a key, that suffice where some have come already.
//
// A state whose way out begins an item (or key) that has to differ from `n_before` others gets an upper bound that holds
// whatever those are: n_before + 1 different texts are listed, and one of them is new. A text is worth its *peak*: over the
// places where tokens of a spelling end, the largest (tokens so far + cost to the end of the item from there). Whoever
// writes that text never meets a cost above the peak, and that is all that a mask asks of a token (repetitions.hpp). So
//     detour of an item = the largest peak of the texts listed - the cost of the shortest item,
// while for a key the peak itself counts, from its opening quote on (costs.hpp says how). Where too few texts are found,
// and the search has not seen them all, no bound is known: UNPROMISED.
// Where the text of a key decides what its value has to be (it is *labelled*), texts count with what it costs more to go on
// after them than after the shortest; else dear keys would pass for cheap ones, and hide those from the search. Those after
// which other keys are still to come (existentials) are left out.
// Where any text will do, those of k characters are enough, written byte by byte (`plain_string`): no search. Else the texts
// come from a best-first search over the bytes of the grammar, lowest peak first, then longest, so that of the many
// shortest texts the first few are found at once; it goes on where it stopped when more are asked for, and states that offer
// the same items share it. Half a token has cost nothing yet, so with a large vocabulary nearly all of it would be read before
// a text of two tokens counts. After PATIENCE bytes tried the search *hurries*: half a token counts as read; in a
// string, each byte counts as a token, and the bytes that are left are added. The texts found then are perhaps not the cheapest, but as good a promise: any that differ will do.
// Cost: some 3 us for each byte tried, once for a grammar state, and only where something is required: some 10 ms where the
// search has to hurry, and up to MOST_STEPS, half a second, where there are too few texts, or they are dear to find.
#pragma once

#include <queue>
#include <unordered_set>

#include "costs.hpp"
#include "reading.hpp"

namespace tokentrellis {

class Detours {
public:
    Detours(Network& network, Costs& costs) : network_(network), costs_(costs), reading_(network) {}

    // Whether an answer given meanwhile was a stand-in (IMPOSSIBLE), because a value inside of a value asks for itself.
    bool is_provisional() const { return provisional_; }

    // Tokens of the way out of a state beyond the shortest item.
    int64_t of_item(int32_t state) {
        const GrammarState& entry = network_.expand(state);
        return entry.n_before == 0 || entry.finish < 0 || reads_keys(state) ? 0 : of(state);
    }
    // Tokens of a key that the grammar does not name, from its opening quote on; 0 where it need not differ from others.
    int64_t of_key(int32_t state) { return network_.expand(state).n_before == 0 ? 0 : of(state); }

private:
    static constexpr size_t MOST_DEPTH = 16;
    static constexpr int MOST_STEPS = 100000;  // bytes tried in one search, and for each text that is asked for
    static constexpr int MOST_STEPS_EACH = 2000;
    static constexpr int PATIENCE = 2000, PATIENCE_EACH = 20;  // the same until it hurries
    static constexpr size_t MOST_BYTES = 4096;
    static constexpr int64_t BYTES_OF_A_TOKEN = 3;
    static constexpr int64_t LATER = 16;  // tokens by which escapes are put off

    // A spelling of the text so far whose last token has been read up to a node of the trie.
    struct Spelling {
        int64_t tokens, peak;
        int32_t node;
    };
    struct Place {
        Configurations set;
        std::string text;
        Tracker tracker;
        std::vector<Spelling> spellings;
        int64_t peak;          // the least of its spellings
        int64_t value_peak = -1;  // of the text, where it is one
        int next = 0;          // the place of the byte to try next
        bool direct = false;   // in the terminal of an edge of the state itself, whose link is not that of the others
        bool goes_on = false;  // some byte could be read
        bool late = false;     // its escapes are tried
    };
    struct Supply {
        bool busy = false, ready = false, hurries = false;
        bool complete = true;  // no text was left out
        int64_t shortest = IMPOSSIBLE;
        int32_t state = END_STATE;  // that it was made for
        int32_t direct = BOTTOM;    // the link in a direct terminal,
        int32_t label = 0;          // the label of a shortest one,
        int32_t arrival = BOTTOM;   // and the link after that
        std::unordered_map<int32_t, int64_t> excesses;  // what the end costs more from another link
        std::deque<Place> places;
        // Lowest peak first (escapes later), then the longest text, then the first found.
        using Rank = std::tuple<int64_t, int64_t, int32_t>;
        std::priority_queue<Rank, std::vector<Rank>, std::greater<Rank>> waiting;
        std::vector<int64_t> peaks;  // of the different values found
        std::set<int32_t> values;
        std::unordered_set<std::string> seen;  // situations in which a token ended: who comes later comes no further
        int64_t steps = 0;
    };

    using Supplies = std::deque<Supply>;  // alike but for what follows the labels

    Network& network_;
    Costs& costs_;
    Reading reading_;
    std::unordered_map<int32_t, int64_t> known_;  // by state
    std::map<std::vector<int32_t>, Supplies> supplies_;
    std::vector<int32_t> open_;  // states in a search
    bool provisional_ = false;

    int64_t of(int32_t state) {
        auto known = known_.find(state);
        if (known != known_.end()) return known->second;
        const int64_t plain = reads_keys(state) ? plain_key(state) : plain_item(state);
        if (plain < UNPROMISED) return known_.emplace(state, plain).first->second;
        if (open_.size() >= MOST_DEPTH || std::find(open_.begin(), open_.end(), state) != open_.end()) {
            provisional_ = true;
            return UNPROMISED;
        }
        Supplies& supplies = supplies_of(state);
        int64_t detour = UNPROMISED;
        for (size_t i = 0;; ++i) {
            if (i == supplies.size()) supplies.emplace_back();
            if (search(supplies[i], state, detour)) return detour;
        }
    }

    // Where a string may have any text, the printable ones of k characters are as many as needed, and written byte by byte they
    // meet no cost above their bytes: tokens from the opening quote on; UNPROMISED where that does not hold.
    int64_t plain_string(const Edge& edge, int64_t n_before) {
        constexpr int64_t PRINTABLE = 0x7F - 0x20 - 2;  // without the quote and the backslash
        const bool is_string = edge.kind == STRING_EDGE || edge.kind == OTHERS_EDGE;
        if (!network_.lexicon.spells_all() || !is_string || edge.labelled || edge.start == DEAD) return UNPROMISED;
        if (!network_.lexicon.string_of(edge.start).universal) return UNPROMISED;
        const int64_t n_excluded = edge.table < 0 ? 0 : static_cast<int64_t>(network_.table_of(edge).literals.size());
        int64_t length = 1, n_texts = PRINTABLE;
        for (; n_texts <= n_before + n_excluded; ++length) n_texts *= PRINTABLE;
        length = std::max<int64_t>(length, edge.least);
        return edge.most >= 0 && length > edge.most ? UNPROMISED : length + 1;
    }
    int64_t plain_key(int32_t state) { return plain_string(network_.edge(edge_of(state)), network_.expand(state).n_before); }
    int64_t plain_item(int32_t state) {
        const int64_t n_before = network_.expand(state).n_before;
        const std::vector<int32_t> edges = usable(state);
        for (int32_t index : edges) {
            const int64_t tokens = plain_string(network_.edge(index), n_before);
            if (tokens >= UNPROMISED) continue;
            const int64_t shortest = cost_of_edge(state, edges[0]);
            return shortest >= UNPROMISED ? UNPROMISED : std::max<int64_t>(0, add_costs(costs_.to_open(network_.edge(index).start), tokens) - shortest);
        }
        return UNPROMISED;
    }

    // Tokens of the shortest text of an edge.
    int64_t cost_of_edge(int32_t state, int32_t index) {
        const Edge edge = network_.edge(index);
        if (edge.kind == TERMINAL_EDGE) return without_end(costs_.of(Configuration{edge.start, BOTTOM, 0}));
        if (edge.kind == CALL_EDGE) return without_end(costs_.of(Configuration{AT_CONTINUATION, network_.continuation(edge.start, BOTTOM), 0}));
        const Configurations begin = beginnings(state, index);
        return begin.empty() ? IMPOSSIBLE : costs_.of_terminal(begin[0]).first;
    }

    // False if a supply is none for the state.
    bool search(Supply& supply, int32_t state, int64_t& detour) {
        if (supply.busy) {
            if (is_labelled(state)) return false;
            provisional_ = true;
            return true;
        }
        const bool before = provisional_;
        provisional_ = false;
        supply.busy = true;
        open_.push_back(state);
        struct Leave {
            Supply& supply;
            std::vector<int32_t>& open;
            ~Leave() { supply.busy = false, open.pop_back(); }
        } leave{supply, open_};
        prepare(supply, state);
        const int32_t n_before = network_.expand(state).n_before;
        const int64_t most_steps = MOST_STEPS + static_cast<int64_t>(MOST_STEPS_EACH) * n_before;
        const bool agrees_before = agrees(supply, state);
        const int64_t patience = supply.steps + PATIENCE + static_cast<int64_t>(PATIENCE_EACH) * n_before;
        while (agrees_before && static_cast<int32_t>(supply.peaks.size()) <= n_before && !supply.waiting.empty() && supply.steps < most_steps) {
            extend(supply);
            if (!supply.hurries && supply.steps > patience) hurry(supply);
        }
        if (!agrees_before || !agrees(supply, state)) {  // labels may have been met meanwhile
            provisional_ = before;
            return false;
        }
        const bool enough = static_cast<int32_t>(supply.peaks.size()) > n_before;
        const bool is_known = enough || (supply.complete && supply.waiting.empty());
        int64_t most = supply.shortest;
        for (size_t i = 0; i < supply.peaks.size() && static_cast<int32_t>(i) <= n_before; ++i) most = std::max(most, supply.peaks[i]);
        if (reads_keys(state)) detour = is_known ? std::min(most, UNPROMISED) : UNPROMISED;
        else detour = supply.shortest >= UNPROMISED ? 0 : is_known ? most - supply.shortest : UNPROMISED;
        if (enough || !provisional_) known_.emplace(state, detour);
        provisional_ = before || (provisional_ && !enough);
        return true;
    }

    // Whether the labels met cost the same in a state as in that of the supply.
    bool agrees(Supply& supply, int32_t state) {
        if (state == supply.state || !is_labelled(state)) return true;
        const Configurations here = beginnings(state, edge_of(state));
        if (here.empty() || supply.shortest >= IMPOSSIBLE) return false;
        const int32_t arrival = network_.after(here[0].link, supply.label);
        const std::vector<Successor> met = network_.successors_of(network_.edge(edge_of(supply.state)));
        return std::all_of(met.begin(), met.end(), [&](const Successor& one) {
            const int32_t link = network_.after(here[0].link, one.label);
            return excess(supply, network_.after(supply.direct, one.label)) == (link == arrival ? 0 : costs_.excess(link, arrival));
        });
    }

    // Where an edge of a state that waits for a label or counts begins.
    Configurations beginnings(int32_t state, int32_t index) {
        Configurations found;
        for (const Configuration& c : network_.closure(network_.continuation(state, BOTTOM)).configurations)
            if (network_.at(c.link).target == ~index && network_.at(c.link).parent == BOTTOM) found.push_back(c);
        return found;
    }

    // The edge that reads what has to differ.
    int32_t edge_of(int32_t state) {
        const GrammarState& entry = network_.expand(state);
        for (int32_t i = 0; i < entry.n_edges; ++i)
            if (network_.edge_of(entry, i).kind == OTHERS_EDGE) return entry.first_edge + i;
        return entry.first_edge + entry.finish;
    }

    // That edge and those that lead where it leads: whatever they read is as good.
    std::vector<int32_t> usable(int32_t state) {
        const GrammarState& entry = network_.expand(state);
        const int32_t first = edge_of(state);
        std::vector<int32_t> edges{first};
        for (int32_t index = entry.first_edge; index < entry.first_edge + entry.n_edges; ++index) {
            const Edge& edge = network_.edge(index);
            const bool leads_there = edge.next != BY_LABEL && edge.next == network_.edge(first).next;
            if (index != first && leads_there && edge.kind != TOKEN_EDGE && edge.start != DEAD) edges.push_back(index);
        }
        return edges;
    }

    bool reads_keys(int32_t state) { return network_.edge(edge_of(state)).kind == OTHERS_EDGE; }
    bool is_labelled(int32_t state) { return network_.edge(edge_of(state)).labelled; }

    Supplies& supplies_of(int32_t state) {
        std::vector<int32_t> key;
        const GrammarState& entry = network_.expand(state);
        for (int32_t index : usable(state)) {
            const Edge& edge = network_.edge(index);
            // Which literals are legal, and which label is wanted, is particular to a state.
            const bool wanted = edge.next == BY_LABEL && edge.index == entry.finish;
            const int32_t particular = edge.kind == LITERALS_EDGE ? state : wanted ? -1 - entry.finish_label : 0;
            for (int32_t part : {static_cast<int32_t>(edge.kind), edge.start, edge.least, edge.most, edge.table, particular}) key.push_back(part);
        }
        return supplies_[key];
    }

    void prepare(Supply& supply, int32_t state) {
        if (supply.ready) return;
        supply.ready = true;
        supply.state = state;
        Tracker tracker;  // its copies number values alike
        tracker.feed('[', false);
        tracker.demand_items(true, false);
        const std::vector<int32_t> edges = usable(state);
        for (int32_t index : edges) {
            const Edge edge = network_.edge(index);
            Place place;
            switch (edge.kind) {
                case TERMINAL_EDGE:
                    place.set = {{edge.start, BOTTOM, 0}};
                    break;
                case CALL_EDGE:
                    place.set = {{AT_CONTINUATION, network_.continuation(edge.start, BOTTOM), 0}};
                    break;
                default:
                    place.direct = true;
                    place.set = beginnings(state, index);
            }
            if (edge.kind == OTHERS_EDGE) {
                for (Configuration& c : place.set) c.state = network_.lexicon.string_of(edge.start).body_start;
                tracker.feed('"', false);
            }
            if (place.set.empty()) continue;
            if (place.direct) {
                supply.direct = place.set[0].link;
                supply.label = costs_.of_terminal(place.set[0]).second;
                supply.arrival = network_.after(supply.direct, supply.label);
            }
            const int64_t cost = cost_of(place, supply);
            if (index == edges[0]) supply.shortest = cost;
            supply.complete &= cost < UNPROMISED;
            if (cost >= UNPROMISED) continue;
            place.peak = cost;
            place.spellings.push_back({0, cost, 0});
            place.tracker = tracker;
            add(supply, std::move(place));
        }
    }

    // Tokens to the end of the item, and what it costs more to go on from there.
    int64_t cost_of(const Place& place, Supply& supply) {
        int64_t best = IMPOSSIBLE;
        for (const Configuration& c : place.set) {
            if (arrives(c, place.direct)) {
                best = std::min(best, place.direct ? excess(supply, c.link) : 0);
            } else if (!place.direct) {
                best = std::min(best, without_end(costs_.of(c)));
            } else {
                const auto [tokens, label] = costs_.of_terminal(c);
                if (tokens < best) best = std::min(best, add_costs(tokens, excess(supply, network_.after(c.link, label))));
            }
        }
        return best;
    }
    static bool arrives(const Configuration& c, bool direct) { return c.state == AT_CONTINUATION && (direct || c.link == BOTTOM); }

    int64_t excess(Supply& supply, int32_t link) {
        if (link == supply.arrival) return 0;
        auto known = supply.excesses.find(link);
        if (known == supply.excesses.end()) known = supply.excesses.emplace(link, costs_.excess(link, supply.arrival)).first;
        return known->second;
    }

    void add(Supply& supply, Place place) {
        const int64_t length = static_cast<int64_t>(place.text.size());
        supply.waiting.push({promise(supply, place), -length, static_cast<int32_t>(supply.places.size())});
        supply.places.push_back(std::move(place));
    }

    // What decides which place goes first.
    int64_t promise(Supply& supply, const Place& place) {
        if (!supply.hurries || place.spellings.empty() || place.set.empty()) return place.peak;
        if (place.direct) return std::max(place.peak, add_costs(static_cast<int64_t>(place.text.size()), bytes_left(place, supply)));
        int64_t least = IMPOSSIBLE;  // half a token counts as read, and one after it
        for (const Spelling& spelling : place.spellings) least = std::min(least, spelling.node == 0 ? spelling.peak : std::max(spelling.peak, spelling.tokens + 2));
        return least;
    }

    // Of a place in a direct terminal: bytes to its end, which every right byte makes fewer; where its label plays a role, tokens,
    // each for a few bytes.
    int64_t bytes_left(const Place& place, Supply& supply) {
        if (is_labelled(supply.state)) return BYTES_OF_A_TOKEN * cost_of(place, supply);
        int64_t least = UNPROMISED;
        for (const Configuration& c : place.set)
            if (c.state != AT_CONTINUATION) least = std::min<int64_t>(least, network_.lexicon.distance(c.state));
        return least;
    }

    void hurry(Supply& supply) {
        supply.hurries = true;
        decltype(supply.waiting) waiting;
        for (; !supply.waiting.empty(); supply.waiting.pop()) {
            const auto [before, length, number] = supply.waiting.top();
            const Place& place = supply.places[number];
            waiting.push({promise(supply, place) + (place.late ? LATER : 0), length, number});
        }
        supply.waiting = std::move(waiting);
    }

    // One byte more in the most promising place.
    void extend(Supply& supply) {
        const auto rank = supply.waiting.top();
        supply.waiting.pop();
        Place& from = supply.places[std::get<2>(rank)];  // a deque: it stays where it is
        if (from.value_peak >= 0) count(supply, from);
        while (from.next < 256) {
            const bool is_escape = Reading::byte_at(from.next) == '\\' && !from.tracker.outside_strings();
            if (is_escape && from.goes_on && !from.late) {  // the same texts again, mostly, and dear to judge
                from.late = true;
                supply.waiting.push({std::get<0>(rank) + LATER, std::get<1>(rank), std::get<2>(rank)});
                return;
            }
            ++supply.steps;
            Place to;
            const uint8_t byte = Reading::byte_at(from.next++);
            if (!read(supply, from, byte, to)) continue;
            const bool blank = Reading::is_blank(byte) && from.tracker.outside_strings() && network_.lexicon.spells_all();
            if (blank && from.goes_on && reading_.is_idle(from.set, to.set)) continue;
            from.goes_on = true;
            if (to.value_peak > to.peak) add(supply, take_value(to));
            add(supply, std::move(to));
            if (from.next < 256) supply.waiting.push(rank);
            return;
        }
        from = Place();  // free what it holds
    }

    // Of a place that is better to go on from than as a value, what waits longer.
    static Place take_value(Place& place) {
        Place value;
        value.text = place.text, value.tracker = place.tracker;
        value.peak = value.value_peak = place.value_peak;
        value.next = 256;
        place.value_peak = -1;
        return value;
    }

    void count(Supply& supply, Place& place) {
        Tracker tracker = place.tracker;
        tracker.feed(',', false);
        if (supply.values.insert(tracker.last_item()).second) supply.peaks.push_back(place.value_peak);
        place.value_peak = -1;
    }

    bool read(Supply& supply, const Place& from, uint8_t byte, Place& to) {
        if (from.text.size() >= MOST_BYTES) {
            supply.complete = false;
            return false;
        }
        const Trie& trie = *network_.lexicon.tries[0];
        Spelling ended{IMPOSSIBLE, IMPOSSIBLE, 0};
        for (const Spelling& spelling : from.spellings) {
            const int32_t child = trie.child(spelling.node, byte);
            if (child == 0) continue;
            if (trie.has_children(child)) to.spellings.push_back({spelling.tokens, spelling.peak, child});
            if (trie.begin_ids(child) == trie.end_ids(child)) continue;
            if (std::make_pair(spelling.tokens + 1, spelling.peak) < std::make_pair(ended.tokens, ended.peak)) ended = {spelling.tokens + 1, spelling.peak, 0};
        }
        if (to.spellings.empty() && ended.tokens >= IMPOSSIBLE) return false;
        to.set = from.set;
        to.direct = from.direct;
        to.tracker = from.tracker;
        if (!reading_.step(to.set, byte, to.tracker)) return false;
        to.text = from.text + static_cast<char>(byte);
        if (ended.tokens < IMPOSSIBLE) {
            const int64_t all = add_costs(ended.tokens, cost_of(to, supply));
            supply.complete &= all < UNPROMISED;
            if (all < UNPROMISED) {
                if (!supply.seen.insert(Reading::describe(to.set, to.tracker) + (to.direct ? 'd' : 'c')).second) return false;
                ended.peak = std::max(ended.peak, all);
                to.spellings.push_back(ended);
                if (std::any_of(to.set.begin(), to.set.end(), [&](const Configuration& c) { return arrives(c, to.direct); })) to.value_peak = ended.peak;
            }
        }
        // What is over is over: what comes after the item is not read.
        to.set.erase(std::remove_if(to.set.begin(), to.set.end(), [&](const Configuration& c) { return arrives(c, to.direct); }), to.set.end());
        if (to.set.empty()) {
            to.next = 256, to.peak = to.value_peak;
            return to.value_peak >= 0;
        }
        to.peak = IMPOSSIBLE;
        for (const Spelling& spelling : to.spellings) to.peak = std::min(to.peak, spelling.peak);
        return to.peak < IMPOSSIBLE;
    }
};

inline Costs::Costs(Network& network) : Spelling(network.lexicon), network_(network), lexicon_(network.lexicon), other_texts_(network), detours_(std::make_shared<Detours>(network, *this)) {}
inline int64_t Costs::detour_of_item(int32_t state) { return detours_->of_item(state); }
inline int64_t Costs::new_key(int32_t state) { return detours_->of_key(state); }
inline bool Costs::is_provisional() const { return detours_->is_provisional(); }

}  // namespace tokentrellis
