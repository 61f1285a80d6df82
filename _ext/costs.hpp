// Costs to the end: for every configuration an upper bound on the tokens, EOS included, that can always be met.
//
// A configuration has a *witness*: a canonical text that finishes its terminal. Witnesses are closed under suffixes
// (what is left of a witness after some bytes is the witness of the configuration reached), so with
//     tokens(w) = the fewest tokens that spell w,    cost(c) = tokens(witness(c)) + cost(continuation),
// the first token of a best spelling leads to a configuration that costs at least one less: *progress*. So whenever
// cost <= budget, some token keeps cost <= budget - 1, and a document that is started is finished (DESIGN.md 4.5).
// Continuations follow the `finish` edges of the front end: a chain, summed once and kept with each stack. A state costs
// what its cheapest configuration costs. Witnesses of automata are shortest in bytes (breadth-first search).
// A terminal that takes so many tokens at most costs the fewest that end it, whatever they spell, and progress is the same
// (spelling.hpp).
// Where an item or a key still to come has to differ from earlier ones, what that may cost is counted as well (detours.hpp),
// for an item up to its comma, for a key up to its quote; from there on what has come is known, and a look ahead decides
// (lookahead.hpp has the proof). A key costs
//     max(tokens of the shortest, tokens up to its quote + tokens from there on that suffice for one that differs),
// whatever leads to the quote: each token of that way brings it nearer, so there is progress here as well.
// IMPOSSIBLE is what cannot be spelled: it is refused. UNPROMISED is what can be, at a cost not known: it fits no budget.
#pragma once

#include "other_texts.hpp"
#include "spelling.hpp"

namespace tokentrellis {

constexpr size_t MAX_STEPS = 2000000;
constexpr int64_t MAX_CHARACTERS = 10000000;
constexpr int64_t LONGEST_ESCAPE = 6;  // bytes of a JSON string for one of its text

inline int64_t add_costs(int64_t a, int64_t b) { return a >= IMPOSSIBLE || b >= IMPOSSIBLE ? IMPOSSIBLE : std::min(UNPROMISED, a + b); }
inline int64_t without_end(int64_t cost) { return cost >= UNPROMISED ? cost : cost - 1; }

class Detours;

class Costs : public Spelling {
public:
    explicit Costs(Network& network);

    int64_t of(const Configurations& set) {
        int64_t best = IMPOSSIBLE;
        for (const Configuration& c : set) best = std::min(best, of(c));
        return best;
    }

    int64_t of(const Configuration& c) {
        if (network_.driver && c.state != AT_CONTINUATION) return of_lexeme(c);
        if (c.state == AT_CONTINUATION) return network_.follows_repetition(c.link) ? of_repeated(c.link) : of_continuation(c.link);
        int32_t label = 0;
        int64_t tokens = terminal(c, label);
        if (before_key(c)) tokens = std::max(tokens, of_new_key(c));
        return add_costs(tokens, of_continuation(network_.after(c.link, label)));
    }

    // Inside a lexeme of a driver (network.hpp): to the nearest end, or along the step that the driver has from its begin.
    int64_t of_lexeme(const Configuration& c) {
        auto found = nearest_.find(c.state);
        if (found == nearest_.end()) {
            const std::string text = witness(c.state);
            const int32_t end = text == UNSPELLABLE ? DEAD : lexicon_.automata.walk(c.state, reinterpret_cast<const uint8_t*>(text.data()), text.size());
            found = nearest_.emplace(c.state, std::make_pair(spell(text), end == DEAD ? -1 : lexicon_.automata.label(end))).first;
        }
        const auto [tokens, label] = found->second;
        int64_t cost = label < 0 ? IMPOSSIBLE : add_costs(tokens, of_continuation(network_.after(c.link, label)));
        std::string rest;
        int32_t after = BOTTOM;
        if (network_.driver->rest_of_step(c, rest, after)) cost = std::min(cost, add_costs(spell(rest), of_continuation(after)));
        return cost;
    }

    // As much or more, never less, and cheaper to find out: a token for each byte of the rest of a literal, or six where it may
    // have to be escaped. For what a row costs at most; what it costs decides whether a token is allowed.
    int64_t at_most(const Configuration& c) {
        const Edge* edge = c.state == AT_CONTINUATION ? nullptr : network_.edge_at(c);
        if (edge == nullptr || edge->kind != LITERALS_EDGE || !lexicon_.spells_all()) return of(c);
        const StringPosition p = lexicon_.position(c.state);
        const int32_t label = p.phase == BODY || p.phase == PREFIX ? chosen_literal(c, *edge, c.extra) : -1;
        if (label < 0) return of(c);
        const int64_t before = p.phase == PREFIX ? lexicon_.distance(p.inner) + 1 : 0;
        const int64_t bytes = LONGEST_ESCAPE * static_cast<int64_t>(network_.table_of(*edge).literals[label].size()) + 1;
        return add_costs(before + bytes, of_continuation(network_.after(c.link, label)));
    }

    // Whether a terminal that takes so many tokens at most has taken `n_used`, and cannot end within those that are left to it.
    bool exceeds_limit(const Configuration& c, int64_t n_used, int64_t at_least = 0) {
        if (!network_.has_limits || c.state == AT_CONTINUATION) return false;
        const int64_t most = network_.token_limit(c.link);
        return most > 0 && n_used + std::max(at_least, fewest(c.state)) > most;
    }
    // Tokens to the end of the terminal of a configuration, and the label with which it ends.
    std::pair<int64_t, int32_t> of_terminal(const Configuration& c) {
        int32_t label = 0;
        const int64_t tokens = terminal(c, label);
        return {tokens, label};
    }

    // Whether another key, which may have to differ from earlier ones, is still to be begun.
    bool before_key(const Configuration& c) const {
        const Edge* edge = c.state == AT_CONTINUATION ? nullptr : network_.edge_at(c);
        return edge != nullptr && edge->kind == OTHERS_EDGE && lexicon_.automata.info[c.state].phase == PREFIX;
    }

    // Tokens that read all of a JSON string before its body, the quote included, from a state of its automaton.
    int64_t to_open(int32_t state) {
        auto found = openings_.find(state);
        if (found == openings_.end()) found = openings_.emplace(state, spell(witness(lexicon_.position(state).inner) + '"')).first;
        return found->second;
    }

    // Tokens to the end where a text is left of a terminal; an upper bound where that is within `enough`.
    int64_t of_text(const std::string& text, int32_t continuation, int64_t enough) {
        const int64_t after = of_continuation(continuation), bytes = static_cast<int64_t>(text.size());
        if (lexicon_.spells_all() && bytes + after <= enough) return add_costs(bytes, after);
        return add_costs(spell(text), after);
    }

    // Tokens from a continuation to the end.
    int64_t of_continuation(int32_t continuation) {
        std::vector<std::pair<int32_t, int64_t>> chain;
        int64_t cost = 1;  // EOS
        while (continuation != BOTTOM) {
            if (static_cast<size_t>(continuation) < continuations_.size() && continuations_[continuation] >= 0) {
                cost = continuations_[continuation];
                break;
            }
            if (chain.size() > MAX_STEPS) throw LimitError("steps of the shortest document", MAX_STEPS);
            int64_t step = 0;
            int32_t next = finish(continuation, step);
            if (network_.follows_repetition(continuation)) step = UNPROMISED;  // nothing counts on a value that repeats another before it has come
            chain.push_back({continuation, step});
            continuation = next;
        }
        for (size_t i = chain.size(); i-- > 0;) {
            cost = add_costs(cost, chain[i].second);
            if (is_provisional() || meets_itself_) continue;
            if (static_cast<size_t>(chain[i].first) >= continuations_.size()) continuations_.resize(chain[i].first + 1, -1);
            continuations_[chain[i].first] = cost;
        }
        return cost;
    }

    bool follows_repetition(int32_t continuation) { return network_.follows_repetition(continuation); }
    // The same once a value has come that repeats another, as the continuation asks.
    int64_t of_repeated(int32_t continuation) {
        int64_t step = 0;
        const int32_t next = finish(continuation, step);
        return add_costs(step, of_continuation(next));
    }

    // What the end costs more from one continuation than from another, both of a value at the bottom; IMPOSSIBLE where they
    // do not meet after the value, or that is not known.
    int64_t excess(int32_t continuation, int32_t other) {
        const auto [here, after] = value_step(continuation);
        const auto [there, after_other] = value_step(other);
        return after != after_other || here >= UNPROMISED || there >= UNPROMISED || is_provisional() ? IMPOSSIBLE : here - there;
    }

    // The witness of a whole continuation: the text of a shortest document from here, as far as it follows text edges.
    std::string witness_of_continuation(int32_t continuation, size_t most) {
        std::string text;
        while (continuation != BOTTOM && text.size() < most) {
            int64_t step = 0;
            continuation = finish(continuation, step, &text);
        }
        return text;
    }

private:
    Network& network_;
    Lexicon& lexicon_;
    OtherTexts other_texts_;
    std::shared_ptr<Detours> detours_;
    static constexpr size_t MOST_CHOICES = 100000, MOST_NESTED = 1000;
    std::set<std::pair<int32_t, int32_t>> choosing_;  // edges and trie nodes of which a literal is being chosen
    size_t n_choices_ = 0;
    bool meets_itself_ = false;  // one of them was asked for within itself: what was found since holds there only
    std::vector<int64_t> continuations_;
    std::unordered_map<int32_t, std::pair<int64_t, int32_t>> nearest_;  // state in a lexeme -> tokens to the nearest end, its label
    std::unordered_map<int32_t, int64_t> openings_;                 // automaton state -> tokens
    std::unordered_map<int32_t, int32_t> chunk_;                    // content -> longest run of token lengths 1, 2, ...
    std::map<std::tuple<int32_t, int32_t, int32_t, int32_t>, std::pair<std::string, int32_t>> others_;  // texts and labels

    bool is_provisional() const;  // some detour met since was not known yet

    // What an item, or a key from its opening quote on, may cost because it has to differ from what has come (detours.hpp).
    int64_t detour_of_item(int32_t state);
    int64_t new_key(int32_t state);

    // Tokens of a key still to be begun, if it has to differ from earlier ones; else 0.
    int64_t of_new_key(const Configuration& c) {
        const int64_t tokens = new_key(network_.edge_at(c)->grammar_state);
        return tokens == 0 ? 0 : add_costs(to_open(c.state), tokens);
    }

    // Tokens of the first value of a continuation, as the finish edges go, and the continuation after it.
    std::pair<int64_t, int32_t> value_step(int32_t continuation) {
        const Continuation here = network_.at(continuation);
        const GrammarState entry = network_.expand(here.target);
        if (entry.finish >= 0 && network_.edge_of(entry, entry.finish).kind == CALL_EDGE) {
            const Edge edge = network_.edge_of(entry, entry.finish);
            return {without_end(of_continuation(network_.continuation(edge.start, BOTTOM))), network_.continuation(edge.next, here.parent)};
        }
        int64_t tokens = 0;
        const int32_t next = finish(continuation, tokens);
        return {tokens, next};
    }

    // One step along the finish edges: the next continuation, and the tokens that the step takes.
    int32_t finish(int32_t continuation, int64_t& tokens, std::string* text = nullptr) {
        const std::vector<int32_t>* members = network_.driver ? network_.driver->members_of(continuation) : network_.members_of(continuation);
        if (members) {
            const std::vector<int32_t> any_of = *members;
            tokens = 0;
            return *std::min_element(any_of.begin(), any_of.end(), [this](int32_t a, int32_t b) { return of_continuation(a) < of_continuation(b); });
        }
        if (network_.driver) {
            std::string step;
            bool is_special = false;
            const int32_t next = network_.driver->finish(continuation, step, is_special);
            if (text) *text += step;
            else tokens = next == Driver::NO_WAY ? IMPOSSIBLE : is_special ? 1 : spell(step);
            return next == Driver::NO_WAY ? BOTTOM : next;
        }
        Continuation here = network_.at(continuation);
        const GrammarState entry = network_.expand(here.target);
        if (entry.finish == UNKNOWN_FINISH) tokens = UNPROMISED;
        if (entry.finish < 0) return here.parent;
        const Edge& edge = network_.edge_of(entry, entry.finish);
        const int64_t more = text ? 0 : detour_of_item(here.target);
        switch (edge.kind) {
            case TERMINAL_EDGE:
                if (edge.start == DEAD) {
                    tokens = IMPOSSIBLE;
                    return here.parent;
                }
                if (network_.has_limits && network_.is_limited(edge.next)) {
                    if (text) *text += fewest_text(edge.start);
                    else tokens = fewest(edge.start);
                } else if (text) {
                    *text += witness(edge.start);
                } else {
                    tokens = add_costs(plain(edge.start), more);
                }
                return network_.continuation(edge.next, here.parent);
            case TOKEN_EDGE:
                tokens = 1;
                return network_.continuation(edge.next, here.parent);
            case CALL_EDGE:
                tokens = more;
                return network_.continuation(edge.start, network_.continuation(edge.next, here.parent));
            default: {
                const int32_t index = entry.first_edge + entry.finish;
                for (const Configuration& c : network_.closure(continuation).configurations) {
                    if (network_.at(c.link).target != ~index || network_.at(c.link).parent != here.parent) continue;
                    int32_t label = entry.finish_label;
                    if (text) *text += witness_of(c, label);
                    else tokens = add_costs(std::max(terminal(c, label), before_key(c) ? of_new_key(c) : 0), more);
                    return network_.after(c.link, label);
                }
                tokens = IMPOSSIBLE;
                return here.parent;
            }
        }
    }

    // Tokens to the end of a configuration's terminal; sets the label with which it ends.
    int64_t terminal(const Configuration& c, int32_t& label) {
        const Edge* edge = network_.edge_at(c);
        if (edge == nullptr) return network_.has_limits && network_.token_limit(c.link) > 0 ? fewest(c.state) : plain(c.state);
        if (edge->kind == STRING_EDGE) {
            if (lexicon_.string_of(c.state).universal) return universal_string(c, *edge);
            if (edge->least <= 0 && edge->most < 0) return plain(c.state);
        }
        return spell(witness_of(c, label));
    }

    std::string witness_of(const Configuration& c, int32_t& label) {
        const Edge* edge = network_.edge_at(c);
        if (edge == nullptr) return witness(c.state);
        switch (edge->kind) {
            case STRING_EDGE: {
                const StringAutomaton& string = lexicon_.string_of(c.state);
                if (string.universal) {
                    std::string text = to_body(c.state, string);
                    return text + std::string(std::max(0, edge->least - c.extra), ' ') + "\"";
                }
                if (edge->least <= 0 && edge->most < 0) return witness(c.state);
                return limited_witness(c, *edge, string);
            }
            case LITERALS_EDGE:
                return literal_witness(c, *edge, label);
            default:
                if (c.extra == NO_NODE && edge->next != BY_LABEL) return witness(c.state);
                return other_witness(c, *edge, label);
        }
    }

    // ---- strings with limits -----------------------------------------------------------------------------------------
    // From the prefix, the middle of an escape or of a character, the canonical way to a plain place in the body.
    std::string to_body(int32_t state, const StringAutomaton& string) {
        std::string text;
        while (state != string.body_start) {
            const StringPosition& p = lexicon_.position(state);
            int chosen = -1;
            if (p.phase == PREFIX) {
                std::string before = witness(p.inner);
                chosen = before.empty() ? '"' : static_cast<uint8_t>(before[0]);
            } else {
                static const char preferred[] = "\"nuD0\\";
                int first = p.phase == BODY ? 0x80 : 0;
                for (int i = 0; chosen < 0 && p.phase != BODY && preferred[i]; ++i)
                    if (lexicon_.automata.step(state, static_cast<uint8_t>(preferred[i])) != DEAD) chosen = preferred[i];
                for (int byte = first; chosen < 0 && byte < 256; ++byte)
                    if (lexicon_.automata.step(state, static_cast<uint8_t>(byte)) != DEAD) chosen = byte;
            }
            state = chosen < 0 ? DEAD : lexicon_.automata.step(state, static_cast<uint8_t>(chosen));
            if (state == DEAD) return UNSPELLABLE;
            text.push_back(static_cast<char>(chosen));
        }
        return text;
    }

    int64_t universal_string(const Configuration& c, const Edge& edge) {
        const StringAutomaton& string = lexicon_.string_of(c.state);
        if (lexicon_.automata.exhausted(c.state)) return 0;
        int64_t missing = std::max(0, edge.least - c.extra);
        auto found = chunk_.find(string.content);
        if (found == chunk_.end()) {
            std::set<int32_t> lengths;
            for (const auto& group : lexicon_.counted_split({}, string.body_start).inner)
                if (group.state == string.body_start) lengths.insert(group.characters);
            int32_t longest = 0;
            while (lengths.count(longest + 1)) ++longest;
            found = chunk_.emplace(string.content, longest).first;
        }
        if (missing > 0 && found->second == 0) return IMPOSSIBLE;
        int64_t chunks = missing == 0 ? 0 : (missing + found->second - 1) / found->second;
        return std::min(IMPOSSIBLE, spell(to_body(c.state, string)) + chunks + spell("\""));
    }

    // A pattern with length limits: fewest characters within the limits, then in each step the least byte that keeps to it.
    std::string limited_witness(const Configuration& c, const Edge& edge, const StringAutomaton& string) {
        StringPosition p = lexicon_.position(c.state);
        std::string text;
        int32_t state = c.state, count = c.extra;
        LengthTable& lengths = network_.texts.lengths_of(string);
        Automata& automata = lexicon_.automata;
        // Whether exactly `left` characters can follow a position (those begun before not counted).
        auto possible = [&](int32_t to, int64_t left) {
            const StringPosition q = lexicon_.position(to);
            if (q.phase == CLOSED) return left == 0;
            if (q.phase == PREFIX || left < 0) return false;
            if (q.phase == BODY) return lengths.reachable(q.inner, left, left);
            return any_completion(q, [&](uint32_t first, uint32_t last) {
                return any_character(automata, q.inner, first, last, [&](int32_t content) { return lengths.reachable(content, left, left); });
            });
        };
        while (p.phase == PREFIX) {
            std::string before = witness(p.inner);
            int byte = before.empty() ? '"' : static_cast<uint8_t>(before[0]);
            text.push_back(static_cast<char>(byte));
            state = automata.step(state, static_cast<uint8_t>(byte));
            if (state == DEAD) return UNSPELLABLE;
            p = lexicon_.position(state);
        }
        int64_t least = edge.least - count, most = edge.most < 0 ? -1 : edge.most - count;
        int64_t left = p.phase == BODY ? lengths.fewest(p.inner, least, most) : p.phase == CLOSED ? 0 : -1;
        if (left < 0)  // half an escape: the best of its completions
            any_completion(p, [&](uint32_t first, uint32_t last) {
                return any_character(automata, p.inner, first, last, [&](int32_t content) {
                    int64_t found = lengths.fewest(content, least, most);
                    if (found >= 0 && (left < 0 || found < left)) left = found;
                    return false;
                });
            });
        if (left > MAX_CHARACTERS) throw LimitError("characters of the shortest text of a pattern with a length limit", MAX_CHARACTERS);
        while (!automata.exhausted(state)) {
            bool moved = false;
            // The quote first (it ends), raw bytes next, escapes last: so texts stay short.
            for (int round = 0; round < 2 && !moved; ++round)
                for (int byte = 0; byte < 256 && !moved; ++byte) {
                    if ((byte == '\\') != (round == 1) && lexicon_.position(state).phase == BODY) continue;
                    if (byte == '"' && lexicon_.position(state).phase == BODY && left > 0) continue;
                    int32_t to = automata.step(state, static_cast<uint8_t>(byte));
                    if (to == DEAD) continue;
                    int32_t begun = count + lexicon_.begins_character(state, static_cast<uint8_t>(byte));
                    if (!possible(to, left - (begun - count))) continue;
                    left -= begun - count;
                    count = begun;
                    state = to;
                    text.push_back(static_cast<char>(byte));
                    moved = true;
                }
            if (!moved) return UNSPELLABLE;
        }
        return text;
    }

    // ---- literals ----------------------------------------------------------------------------------------------------
    // The literal to finish with: the wanted one if it can still be reached, else the shortest where all lead to the same, else
    // the first: each stays the choice along the way, in the middle of an escape too. Where the vocabulary lacks bytes, one that
    // can be written, and what follows it too.
    std::string literal_witness(const Configuration& c, const Edge& edge, int32_t& label) {
        const LiteralTrie& trie = network_.table_of(edge);
        const StringPosition p = lexicon_.position(c.state);
        std::string text;
        int32_t node = c.extra;
        if (p.phase == PREFIX) text = witness(p.inner) + '"';
        const int32_t chosen = p.phase == PREFIX || p.phase == BODY ? chosen_literal(c, edge, node) : chosen_in_escape(c, edge, node, text);
        if (chosen < 0) return label = ~chosen, UNSPELLABLE;
        label = chosen;
        return text + rest_of_literal(trie, node, chosen) + '"';
    }

    // The same in the middle of an escape: the literal, and not the character that is next in the order of bytes, is chosen
    // first, as it was before the escape. Appends what is missing of the escape, and leaves the node after it.
    int32_t chosen_in_escape(const Configuration& c, const Edge& edge, int32_t& node, std::string& text) {
        const LiteralTrie& trie = network_.table_of(edge);
        const int32_t wanted = wanted_literal(edge);
        const bool by_length = shortest_suffices(edge);
        int32_t chosen = ~trie.nodes[node].first;
        std::string rest;
        any_completion(lexicon_.position(c.state), [&](uint32_t first, uint32_t last) {
            return trie.any_character(c.extra, first, last, [&](uint32_t character, int32_t below) {
                const LiteralNode& at = trie.nodes[below];
                const bool may_be_wanted = wanted >= at.first && wanted < at.last;
                if (!edge.legal.any(at.first, at.last) || (chosen >= 0 && !may_be_wanted && !by_length)) return false;
                const int32_t found = by_length && !may_be_wanted ? at.shortest : chosen_literal(c, edge, below);
                if (chosen < 0 && found < 0) chosen = found;
                const bool is_shorter = by_length && chosen >= 0 && trie.literals[found].size() < trie.literals[chosen].size();
                if (found < 0 || (chosen >= 0 && found != wanted && !is_shorter)) return false;
                const std::string escape = rest_of_escape(c, trie, character, below);
                if (escape != UNSPELLABLE) chosen = found, node = below, rest = escape;
                else if (chosen < 0) chosen = ~found;
                return chosen >= 0 && chosen == wanted;
            });
        });
        text += rest;
        return chosen;
    }

    // What is missing of half an escape for a character that leads to a node: as `append_escaped` writes it, or, where the
    // vocabulary lacks a byte of that, with others.
    std::string rest_of_escape(const Configuration& c, const LiteralTrie& trie, uint32_t character, int32_t below) {
        static const char bytes[] = "\"\\/bfnrtu0123456789acdeABCDEF";  // the preferred first
        int32_t state = c.state, node = c.extra;
        std::string text;
        auto leads_on = [&](int32_t to, int32_t to_node) {
            const StringPosition p = lexicon_.position(to);
            if (p.phase == BODY) return to_node == below;
            return any_completion(p, [&](uint32_t first, uint32_t last) { return first <= character && character <= last; });
        };
        while (lexicon_.position(state).phase != BODY) {
            const char* byte = bytes;
            int32_t to = DEAD, to_node = NO_NODE;
            while (*byte && !(step_literal(lexicon_, trie, state, node, static_cast<uint8_t>(*byte), to, to_node) && leads_on(to, to_node))) ++byte;
            if (!*byte) return UNSPELLABLE;
            text += *byte;
            state = to, node = to_node;
        }
        return text;
    }

    // What is missing of a literal below a node of the trie.
    static std::string rest_of_literal(const LiteralTrie& trie, int32_t node, int32_t literal) {
        const std::string& text = trie.literals[literal];
        std::string rest;
        for (size_t i = trie.depth(node); i < text.size(); ++i) append_escaped(rest, static_cast<uint8_t>(text[i]));
        return rest;
    }

    // Whether it does not matter to what follows with which literal a text ends, and all can be had.
    bool shortest_suffices(const Edge& edge) const {
        return edge.next != BY_LABEL && !lexicon_.lacks_bytes() && edge.legal.all(0, static_cast<int32_t>(network_.table_of(edge).literals.size()));
    }

    // The literal that the front end finishes with; -1: it finishes with something else.
    int32_t wanted_literal(const Edge& edge) {
        const GrammarState owner = network_.expand(edge.grammar_state);
        return owner.finish == edge.index ? owner.finish_label : -1;
    }

    // The literal to finish with from a node of the trie; ~label of any if none can be written.
    int32_t chosen_literal(const Configuration& c, const Edge& edge, int32_t node) {
        const LiteralTrie& trie = network_.table_of(edge);
        const LiteralNode& at = trie.nodes[node];
        const int32_t wanted = wanted_literal(edge);
        auto possible = [&](int32_t literal) {
            if (!edge.legal.has(literal)) return false;
            if (!lexicon_.lacks_bytes()) return true;
            return spell(rest_of_literal(trie, node, literal)) < IMPOSSIBLE && can_end_after(c, edge, node, literal);
        };
        int32_t any = at.first;
        if (wanted >= at.first && wanted < at.last && possible(wanted)) return wanted;
        if (shortest_suffices(edge)) return at.shortest;
        for (int32_t i = at.first; i < at.last; ++i) {
            if (edge.legal.has(i)) any = i;
            if (possible(i)) return i;
        }
        return ~any;
    }

    // Whether the vocabulary can write an end after a literal. Within what follows, the same choice is not asked for again: an end that
    // needs it could be had without what lies between.
    bool can_end_after(const Configuration& c, const Edge& edge, int32_t node, int32_t literal) {
        const auto [place, is_new] = choosing_.insert({edge.number, node});
        if (!is_new) return meets_itself_ = true, false;
        struct Leave {
            Costs& costs;
            std::set<std::pair<int32_t, int32_t>>::iterator place;
            ~Leave() {
                costs.choosing_.erase(place);
                if (costs.choosing_.empty()) costs.meets_itself_ = false, costs.n_choices_ = 0;
            }
        } leave{*this, place};
        if (++n_choices_ > MOST_CHOICES || choosing_.size() > MOST_NESTED) throw LimitError("keys tried for an end that the vocabulary can write", MOST_CHOICES);
        return of_continuation(network_.after(c.link, literal)) < IMPOSSIBLE;
    }

    // A shortest text that is none of the literals, by breadth-first search over (string state, trie node): with the label
    // that the front end wants for its way out, if that can still be had; else with any.
    std::string other_witness(const Configuration& c, const Edge& edge, int32_t& label) {
        const GrammarState owner = network_.expand(edge.grammar_state);
        const int32_t wanted = edge.next == BY_LABEL && owner.finish == edge.index ? owner.finish_label : -1;
        auto key = std::make_tuple(c.state, c.extra, edge.table, wanted);
        auto known = others_.find(key);
        if (known == others_.end()) known = others_.emplace(key, search_other(c, edge, wanted)).first;
        label = known->second.second;
        return known->second.first;
    }

    std::pair<std::string, int32_t> complete_other(const Configuration& c, const Edge& edge, int32_t wanted) {
        StringPosition p = lexicon_.position(c.state);
        std::string text;
        if (p.phase == PREFIX) {
            text = witness(p.inner) + '"';
            p = {BODY, 0, 0, 0, lexicon_.string_of(c.state).content};
        }
        const size_t size = text.size();
        int32_t label = 0;
        if (other_texts_.complete(p, c.extra, edge, wanted, text, label)) return {text, label};
        text.resize(size);
        if (wanted >= 0 && other_texts_.complete(p, c.extra, edge, -1, text, label)) return {text, label};
        return {UNSPELLABLE, 0};
    }

    // The same byte by byte, where the vocabulary lacks bytes.
    std::pair<std::string, int32_t> search_other(const Configuration& c, const Edge& edge, int32_t wanted) {
        if (lexicon_.automata.all_usable) return complete_other(c, edge, wanted);
        constexpr size_t most_steps = 200000;
        const LiteralTrie* trie = edge.table < 0 ? nullptr : &network_.table_of(edge);
        struct Step {
            int32_t state, node, parent;
            uint8_t byte;
        };
        std::vector<Step> queue{{c.state, c.extra, -1, 0}};
        std::set<std::pair<int32_t, int32_t>> seen{{c.state, c.extra}};
        int32_t found = -1;
        for (size_t head = 0; head < queue.size() && head < most_steps; ++head) {
            Step at = queue[head];
            if (lexicon_.automata.exhausted(at.state)) {
                int32_t label = lexicon_.automata.label(at.state);
                if (found < 0 || label == wanted) found = static_cast<int32_t>(head);
                if (wanted < 0 || label == wanted) break;
                continue;
            }
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = DEAD, node = NO_NODE;
                if (trie == nullptr) to = lexicon_.automata.step(at.state, static_cast<uint8_t>(byte));
                else if (!step_literal(lexicon_, *trie, at.state, at.node, static_cast<uint8_t>(byte), to, node)) continue;
                if (to == DEAD || !network_.other_possible(edge, to, node)) continue;
                if (seen.emplace(to, node).second) queue.push_back({to, node, static_cast<int32_t>(head), static_cast<uint8_t>(byte)});
            }
        }
        if (found < 0) return {UNSPELLABLE, 0};
        std::string text;
        for (int32_t i = found; queue[i].parent >= 0; i = queue[i].parent) text.push_back(static_cast<char>(queue[i].byte));
        std::reverse(text.begin(), text.end());
        return {text, lexicon_.automata.label(queue[found].state)};
    }
};

}  // namespace tokentrellis
