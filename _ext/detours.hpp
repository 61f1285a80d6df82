// What it may cost to differ: tokens beyond the shortest item, or key, where some have come already.
//
// A state whose way out begins an item (or key) that has to differ from `n_before` others gets an upper bound that holds
// whatever those are: n_before + 1 different texts are listed, and one of them is new. A text is worth its *peak*: over the
// places where tokens of one best spelling end, the largest (tokens so far + cost to the end of the item from there). Whoever
// writes that text never meets a cost above the peak, and that is all that a mask asks of a token (repetitions.hpp). So
//     detour(state) = the largest peak of the texts listed - the cost of the shortest item.
// Where the text of a key decides what its value has to be (it is *labelled*), texts count with what it costs more to go on
// after them than after the shortest; else dear keys would pass for cheap ones, and hide those from the search. Those after
// which other keys are still to come (existentials) are left out.
// Where any text will do, those of k characters are enough, written byte by byte (`plain_detour`): no search. Else the texts
// come from a best-first search over the bytes of the grammar, lowest peak first, then longest, so that of the many
// shortest texts the first few are found at once; it goes on where it stopped when more are asked for, and states that offer
// the same items share it. Cost: some microseconds a byte of a text, once for a grammar, and only where something is required.
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

    // Of the way out of a state; and of a key that the grammar does not name, where the state reads such.
    int64_t of_finish(int32_t state) {
        const GrammarState& entry = network_.expand(state);
        return entry.n_before == 0 || edge_of(state) != entry.first_edge + entry.finish ? 0 : of(state);
    }
    int64_t of(int32_t state) {
        if (network_.expand(state).n_before == 0) return 0;
        auto known = known_.find(state);
        if (known != known_.end()) return known->second;
        int64_t detour = plain_detour(state);
        if (detour < IMPOSSIBLE) return known_.emplace(state, detour).first->second;
        if (open_.size() >= MOST_DEPTH || std::find(open_.begin(), open_.end(), state) != open_.end()) {
            provisional_ = true;
            return detour;
        }
        Supplies& supplies = supplies_of(state);
        for (size_t i = 0;; ++i) {
            if (i == supplies.size()) supplies.emplace_back();
            if (search(supplies[i], state, detour)) return detour;
        }
    }

    // What ends things first, blanks last, escapes after all else that can be seen.
    static uint8_t byte_at(int place) {
        static const std::vector<uint8_t> order = [] {
            std::vector<uint8_t> bytes{'"', ']', '}', ','};
            auto add = [&](int first, int last) {
                for (int byte = first; byte <= last; ++byte)
                    if (std::find(bytes.begin(), bytes.end(), byte) == bytes.end()) bytes.push_back(static_cast<uint8_t>(byte));
            };
            add('!', '['), add(']', '~'), add('\\', '\\'), add(0x7F, 0xFF), add(0, ' ');
            return bytes;
        }();
        return order[place];
    }

private:
    using Configurations = Network::Configurations;
    static constexpr size_t MOST_DEPTH = 16;
    static constexpr int MOST_STEPS = 100000;  // bytes tried in one search, and for each text that is asked for
    static constexpr int MOST_STEPS_EACH = 2000;
    static constexpr size_t MOST_BYTES = 4096;
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
        bool busy = false, ready = false;
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

    // The same where one of the edges reads a string of any text: the printable ones of k characters are as many as needed, and
    // written byte by byte, after a best spelling of what comes before the quote, they meet no cost above their bytes. IMPOSSIBLE
    // where that does not hold.
    int64_t plain_detour(int32_t state) {
        constexpr int64_t PRINTABLE = 0x7F - 0x20 - 2;  // without the quote and the backslash
        if (!network_.lexicon.spells_all()) return IMPOSSIBLE;
        const int64_t n_before = network_.expand(state).n_before;
        const std::vector<int32_t> edges = usable(state);
        for (int32_t index : edges) {
            const Edge edge = network_.edge(index);
            if ((edge.kind != STRING_EDGE && edge.kind != OTHERS_EDGE) || edge.labelled || edge.start == DEAD) continue;
            if (!network_.lexicon.string_of(edge.start).universal) continue;
            const Configurations begin = beginnings(state, index);
            if (begin.size() != 1) continue;
            const int64_t n_excluded = edge.table < 0 ? 0 : static_cast<int64_t>(network_.table_of(edge).literals.size());
            int64_t length = 1, n_texts = PRINTABLE;
            for (; n_texts <= n_before + n_excluded; ++length) n_texts *= PRINTABLE;
            length = std::max<int64_t>(length, edge.least);
            if (edge.most >= 0 && length > edge.most) continue;
            const int64_t opened = tokens_to_open(begin[0]), shortest = cost_of_edge(state, edges[0]);
            if (opened < IMPOSSIBLE && shortest < IMPOSSIBLE) return std::max<int64_t>(0, opened + length + 1 - shortest);
        }
        return IMPOSSIBLE;
    }

    // Tokens that read the quote of a string and all before it, along a best spelling up to the last of them.
    int64_t tokens_to_open(const Configuration& c) {
        const std::string text = costs_.text_of(c);
        const Lexicon& lexicon = network_.lexicon;
        size_t body = 0;
        for (int32_t state = c.state; network_.lexicon.position(state).phase == PREFIX; ++body) {
            if (body == text.size()) return IMPOSSIBLE;
            state = network_.lexicon.automata.step(state, static_cast<uint8_t>(text[body]));
            if (state == DEAD) return IMPOSSIBLE;
        }
        const std::vector<int64_t> left = costs_.spell_suffixes(text);
        std::vector<int64_t> spent(body + 1, IMPOSSIBLE);
        spent[0] = 0;
        const Trie& trie = *lexicon.tries[0];
        for (size_t from = 0; from < body; ++from) {
            if (spent[from] + left[from] > left[0]) continue;  // not on a best spelling
            int32_t node = 0;
            for (size_t i = from; i < body; ++i) {
                node = trie.child(node, static_cast<uint8_t>(text[i]));
                if (node == 0) break;
                if (trie.begin_ids(node) != trie.end_ids(node)) spent[i + 1] = std::min(spent[i + 1], spent[from] + 1);
            }
        }
        return spent[body];
    }

    // Tokens of the shortest text of an edge.
    int64_t cost_of_edge(int32_t state, int32_t index) {
        const Edge edge = network_.edge(index);
        if (edge.kind == TERMINAL_EDGE) return costs_.of(Configuration{edge.start, BOTTOM, 0}) - 1;
        if (edge.kind == CALL_EDGE) return costs_.of(Configuration{AT_CONTINUATION, network_.continuation(edge.start, BOTTOM), 0}) - 1;
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
        while (agrees_before && static_cast<int32_t>(supply.peaks.size()) <= n_before && !supply.waiting.empty() && supply.steps < most_steps) extend(supply);
        if (!agrees_before || !agrees(supply, state)) {  // labels may have been met meanwhile
            provisional_ = before;
            return false;
        }
        const bool enough = static_cast<int32_t>(supply.peaks.size()) > n_before;
        int64_t most = supply.shortest;
        for (size_t i = 0; i < supply.peaks.size() && static_cast<int32_t>(i) <= n_before; ++i) most = std::max(most, supply.peaks[i]);
        detour = supply.shortest >= IMPOSSIBLE ? 0 : most - supply.shortest;
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
        const auto labels = network_.edge(edge_of(supply.state)).successors;  // a copy: there may be more meanwhile
        return std::all_of(labels.begin(), labels.end(), [&](const auto& met) {
            const int32_t link = network_.after(here[0].link, met.first);
            return excess(supply, network_.after(supply.direct, met.first)) == (link == arrival ? 0 : costs_.excess(link, arrival));
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
            if (place.set.empty()) continue;
            if (place.direct) {
                supply.direct = place.set[0].link;
                supply.label = costs_.of_terminal(place.set[0]).second;
                supply.arrival = network_.after(supply.direct, supply.label);
            }
            const int64_t cost = cost_of(place, supply);
            if (index == edges[0]) supply.shortest = cost;
            if (cost >= IMPOSSIBLE) continue;
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
                best = std::min(best, costs_.of(c) - 1);
            } else {
                const auto [tokens, label] = costs_.of_terminal(c);
                if (tokens < best) best = std::min(best, tokens + excess(supply, network_.after(c.link, label)));
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
        supply.waiting.push({place.peak, -length, static_cast<int32_t>(supply.places.size())});
        supply.places.push_back(std::move(place));
    }

    // One byte more in the most promising place.
    void extend(Supply& supply) {
        const auto rank = supply.waiting.top();
        supply.waiting.pop();
        Place& from = supply.places[std::get<2>(rank)];  // a deque: it stays where it is
        if (from.value_peak >= 0) count(supply, from);
        while (from.next < 256) {
            if (byte_at(from.next) == '\\' && from.goes_on && !from.late) {  // the same texts again, mostly, and dear to judge
                from.late = true;
                supply.waiting.push({std::get<0>(rank) + LATER, std::get<1>(rank), std::get<2>(rank)});
                return;
            }
            ++supply.steps;
            Place to;
            const uint8_t byte = byte_at(from.next++);
            const bool blank = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
            if (blank && from.goes_on && from.tracker.outside_strings()) continue;  // changes nothing
            if (!read(supply, from, byte, to)) continue;
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
        if (from.text.size() >= MOST_BYTES) return false;
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
            const int64_t all = ended.tokens + cost_of(to, supply);
            // Before a key the detour counts in the costs (Costs::of): there a spelling has to keep to the shortest.
            const bool too_dear = to.direct && all > supply.shortest && std::any_of(to.set.begin(), to.set.end(), [&](const Configuration& c) { return costs_.before_key(c); });
            if (all < IMPOSSIBLE && !too_dear) {
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

inline Costs::Costs(Network& network) : network_(network), lexicon_(network.lexicon), other_texts_(network), detours_(std::make_shared<Detours>(network, *this)) {}
inline int64_t Costs::detour(int32_t state) { return detours_->of(state); }
inline int64_t Costs::detour_of_finish(int32_t state) { return detours_->of_finish(state); }
inline bool Costs::is_provisional() const { return detours_->is_provisional(); }

}  // namespace tokentrellis
