// A grammar as a whole: LALR parse tables, and the terminals as programs of a lexer. Plain data.
//
// `grammars/lark_tables.py` makes them, `grammars/parse_tables.py` says what the programs mean; lexemes.hpp makes an automaton of
// the programs, and parse_stack.hpp goes by the tables.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "expressions.hpp"

namespace tokentrellis {

enum LexemeKind : uint8_t { READ_NODE, FORK_NODE, PREVIOUS_NODE, NOT_AHEAD_NODE, AHEAD_NODE, END_NODE };

struct LexemeNode {
    LexemeKind kind;
    int32_t first;  // READ: a state of a class; (NOT_)AHEAD: the node where the text ahead begins; END: the terminal
    int32_t next;
    std::vector<int32_t> targets;  // FORK
    ByteSet bytes{};               // PREVIOUS: the last byte read
};

struct LexemeClassEdge {
    ByteSet bytes;
    int32_t to;  // a state of the class; -1: the character is complete
};

struct LexemeProgram {
    std::vector<LexemeNode> nodes;
    std::vector<std::vector<LexemeClassEdge>> classes;
    struct Lexer {
        std::vector<int32_t> starts, words;  // nodes, in order; words: keywords that patterns of the lexer read too
    };
    std::vector<Lexer> lexers;
    std::vector<std::vector<int32_t>> words_of;  // by terminal: the terminals of its keywords
};

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
    bool has_conflicts = false;         // a terminal is shifted somewhere where a rule might be reduced
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

    int32_t action(int32_t state, int32_t terminal) const { return actions[static_cast<size_t>(state) * n_terminals + terminal]; }
    // The terminals with a text that are accepted in a state.
    std::vector<int32_t> accepted(int32_t state) const {
        std::vector<int32_t> found;
        for (int32_t terminal = 0; terminal < n_terminals; ++terminal)
            if (terminal != end && special_tokens[terminal] < 0 && action(state, terminal) != ERROR) found.push_back(terminal);
        return found;
    }
    bool is_skipped(int32_t terminal) const { return std::find(skipped.begin(), skipped.end(), terminal) != skipped.end(); }
    int32_t next_state(int32_t state, int32_t origin) const { return gotos[static_cast<size_t>(state) * n_origins + origin]; }
};

}  // namespace tokentrellis
