// Walks of the vocabulary along the literals of a table: which tokens spell a part of one, and what is read of it then.
//
// In comes a place in a JSON string and in a literal trie, and a view of the vocabulary; out come the nodes of the view that some
// literal reaches. Only what can be a literal is looked up, never the other children of a node: of the bytes after a backslash,
// for example, `u` and the letters that stand for a character of a literal. The walk without regard to which literals are legal
// (`Reached`) is kept: the states of an object ask for it again and again, and where all literals ahead are legal its tokens
// are taken as they are. Cost: some 100 instructions for each byte of a literal and node.
#pragma once

#include "arena.hpp"
#include "literals.hpp"

namespace tokentrellis {

// The letter after a backslash that stands for a byte; 0 if there is none.
inline uint8_t escape_letter(uint8_t byte) {
    switch (byte) {
        case '"': case '\\': case '/': return byte;
        case '\b': return 'b';
        case '\f': return 'f';
        case '\n': return 'n';
        case '\r': return 'r';
        case '\t': return 't';
        default: return 0;
    }
}

// Where a text has come to be one literal: the node of the view, and the literal.
struct ClosedLiteral {
    int32_t node, literal;
};

// What some literals reach in a view: nodes, depth first, and the tokens and closed literals at them in the same order, so
// that those at a node and below are what stands between two places of these lists.
struct Reached {
    struct Node {
        int32_t node, state, at;
        int32_t end;                  // the place after the nodes below
        int32_t n_tokens, n_closed;  // before this node
    };
    Span<Node> nodes;  // and one after the last
    Span<int32_t> tokens;
    Span<ClosedLiteral> closed;
};

class LiteralWalks {
public:
    explicit LiteralWalks(Lexicon& lexicon) : lexicon_(lexicon) {}

    // visit(node of the view, state, trie node) says whether to go below. The prefix is read once for all (Opening), and visited
    // only where `with_prefix` says so.
    template <class Visit>
    void walk(View view, int32_t state, int32_t at, const LiteralTrie& trie, bool with_prefix, Visit visit) {
        const Trie& source = lexicon_.trie(view);
        if (lexicon_.automata.info[state].phase != PREFIX) return walk_text(source, view.node, state, at, trie, visit);
        const Opening& opening = lexicon_.opening(view, state);
        if (with_prefix)
            for (auto [node, inside] : opening.inside) visit(node, inside, at);
        const int32_t body = lexicon_.string_of(state).body_start;
        for (int32_t node : opening.opened)
            if (visit(node, body, at)) walk_text(source, node, body, at, trie, visit);
    }

    // What any literal of a table reaches. New memory is added to n_bytes.
    const Reached& reach(View view, int32_t state, int32_t at, int32_t table, const LiteralTrie& trie, size_t& n_bytes) {
        const ViewKey key{view, state, at, table};
        if (const Reached* known = reached_.find(key)) return *known;
        const Trie& source = lexicon_.trie(view);
        nodes_.clear(), tokens_.clear(), closed_.clear();
        walk(view, state, at, trie, false, [&](int32_t node, int32_t to, int32_t below) {
            if (!literal_possible(lexicon_, trie, AllLegal(), to, below)) return false;
            nodes_.push_back({node, to, below, 0, static_cast<int32_t>(tokens_.size()), static_cast<int32_t>(closed_.size())});
            tokens_.insert(tokens_.end(), source.begin_ids(node), source.end_ids(node));
            if (!lexicon_.automata.exhausted(to)) return true;
            closed_.push_back({node, trie.nodes[below].literal});
            return false;
        });
        for (size_t place = nodes_.size(); place-- > 0;) {
            const int32_t first = nodes_[place].node, stop = source.nodes[first].end;
            size_t end = place + 1;
            while (end < nodes_.size() && nodes_[end].node > first && nodes_[end].node < stop) end = static_cast<size_t>(nodes_[end].end);
            nodes_[place].end = static_cast<int32_t>(end);
        }
        nodes_.push_back({0, DEAD, NO_NODE, 0, static_cast<int32_t>(tokens_.size()), static_cast<int32_t>(closed_.size())});
        const Reached made{arena_.keep(nodes_), arena_.keep(tokens_), arena_.keep(closed_)};
        n_bytes += made.nodes.n_bytes() + made.tokens.n_bytes() + made.closed.n_bytes() + 100;
        return reached_[key] = made;
    }

    // What each of the literals at and below a node reaches in the vocabulary: visit(literal, Spelled).
    template <class Visit>
    void spell_each(int32_t state, int32_t at, const LiteralTrie& trie, Visit visit) {
        const size_t n_read = trie.depth(at);
        for (int32_t literal = trie.nodes[at].first; literal < trie.nodes[at].last; ++literal) {
            const std::string_view text = std::string_view(trie.literals[literal]).substr(n_read);
            const Spelled* known = lexicon_.spelled_texts.find(state, text);
            visit(literal, known != nullptr ? *known : spell(state, at, trie, literal, text));
        }
    }

    void clear() { reached_.clear(), arena_.clear(); }

private:
    Lexicon& lexicon_;
    ViewMap<Reached> reached_;
    Arena arena_;
    std::vector<Reached::Node> nodes_;  // of one walk, as are the next two
    std::vector<int32_t> tokens_;
    std::vector<ClosedLiteral> closed_;

    Spelled spell(int32_t state, int32_t at, const LiteralTrie& trie, int32_t literal, std::string_view text) {
        const Trie& source = *lexicon_.tries[0];
        std::vector<int32_t> tokens, closed;
        walk({}, state, at, trie, false, [&](int32_t node, int32_t to, int32_t below) {
            if (!literal_possible(lexicon_, trie, OnlyLiteral{literal}, to, below)) return false;
            tokens.insert(tokens.end(), source.begin_ids(node), source.end_ids(node));
            if (!lexicon_.automata.exhausted(to)) return true;
            closed.push_back(node);
            return false;
        });
        return lexicon_.spelled_texts.keep(state, text, tokens, closed);
    }

    template <class Visit>
    void walk_text(const Trie& source, int32_t node, int32_t state, int32_t at, const LiteralTrie& trie, Visit& visit) {
        if (!source.has_children(node)) return;
        const uint8_t phase = lexicon_.automata.info[state].phase;
        auto look_up = [&](uint8_t byte, int32_t below) {
            if (const int32_t child = source.child(node, byte)) go(source, child, lexicon_.automata.step(state, byte), below, trie, visit);
        };
        auto step = [&](int32_t child) {
            int32_t to, below;
            if (step_literal(lexicon_, trie, state, at, source.nodes[child].byte, to, below)) go(source, child, to, below, trie, visit);
        };
        if (phase == BODY && source.nodes[node].wide) {
            for (int32_t below = trie.nodes[at].child; below != NO_NODE; below = trie.nodes[below].sibling) {
                const uint8_t byte = trie.nodes[below].byte;
                if (byte != '"' && byte != '\\') look_up(byte, below);  // those two come as escapes only
            }
            look_up('"', at);
            look_up('\\', at);
        } else if (phase == ESCAPE) {
            if (const int32_t child = source.child(node, 'u')) step(child);
            for (int32_t below = trie.nodes[at].child; below != NO_NODE; below = trie.nodes[below].sibling)
                if (const uint8_t letter = escape_letter(trie.nodes[below].byte)) look_up(letter, below);
        } else {
            for (int32_t child = node + 1, stop = source.nodes[node].end; child < stop; child = source.nodes[child].end) step(child);
        }
    }

    template <class Visit>
    void go(const Trie& source, int32_t child, int32_t to, int32_t below, const LiteralTrie& trie, Visit& visit) {
        if (to != DEAD && below != NO_NODE && visit(child, to, below)) walk_text(source, child, to, below, trie, visit);
    }
};

}  // namespace tokentrellis
