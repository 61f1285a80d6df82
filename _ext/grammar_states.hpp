// What a grammar at work is made of: edges and states as the front end gives them, configurations and continuations as a reading
// has them, and the functions that ask for more. Plain data; network.hpp makes it move.
#pragma once

#include "configurations.hpp"
#include "outlines.hpp"

namespace tokentrellis {

enum EdgeKind : uint8_t { TERMINAL_EDGE, STRING_EDGE, LITERALS_EDGE, OTHERS_EDGE, CALL_EDGE, TOKEN_EDGE };

constexpr int32_t END_STATE = 0;
constexpr int32_t UNKNOWN_FINISH = -2;   // GrammarState::finish: no budget counts on the state
constexpr int32_t BY_LABEL = -1;         // Edge::next: ask for the successor
constexpr int32_t AT_CONTINUATION = -1;  // Configuration::state
constexpr int32_t BOTTOM = 0;            // the continuation of the whole: nothing follows
constexpr int32_t ANY_OF = 1 << 29;      // Continuation::target: any of several, `parent` is their number
constexpr size_t MERGED_FROM = 4;        // ways to read a text that have to begin something new, where they are merged
constexpr size_t MAX_GRAMMAR_STATES = 2000000;
constexpr int32_t OWN_VALUE = -1;        // GrammarState::value: no number of the vocabulary for a value that is the same in all grammars
constexpr int32_t FIRST_MADE = 1 << 30;  // grammar states from here on are made here, the others by the front end
constexpr double NO_TEMPERATURE = -1;
constexpr int MAX_CALL_DEPTH = 3000;     // rules entered without reading a byte

struct Edge {
    EdgeKind kind;
    int32_t start;  // automaton state; grammar state (CALL); token id (TOKEN)
    int32_t next;
    int32_t least = 0, most = -1;
    int32_t table = -1;
    LegalSet legal;
    int32_t grammar_state = 0, index = 0;
    int32_t number = 0;           // of all edges
    int32_t last_successor = -1;  // of those asked for so far
    bool labelled = false;  // what is read decides the label, of an OthersEdge
};

// The grammar state after an edge that reads a text with this label; one after the other for each edge.
struct Successor {
    int32_t label, next, previous;
};

// Which items may lead to a state of an array: any, only one that equals no earlier one, only one that does. Where an array must
// still repeat an item (AWAITING), one that does is taken by another state.
enum ItemRule : uint8_t { ANY_ITEM, DISTINCT, AWAITING, REPEATED };

struct GrammarState {
    bool expanded = false, final = false;
    ItemRule items = ANY_ITEM;
    bool recalls = false;  // after a comma, in an array that must repeat an item
    bool ends_document = false;  // what is above it in a stack reads a JSON document, a part of the text
    int32_t most_tokens = 0;  // that the terminal before it takes; 0: any number
    double temperature = NO_TEMPERATURE;  // of what is above it in a stack, and of what goes on from it
    int32_t first_edge = 0, n_edges = 0;
    int32_t finish = -1, finish_label = 0;
    int32_t value = OWN_VALUE;
    int32_t n_callers = 0;  // of a value: the keys, and places after them, that are known to lead to it
    int32_t n_before = 0;  // other keys, or items, that may have come and from which a next one has to differ
    ObjectOutline* object = nullptr;  // what it is a state of, and where
    ArrayOutline* array = nullptr;
    const Place* place = nullptr;
};

struct Continuation {
    int32_t target;  // grammar state, or ~edge for a link that waits for a label
    int32_t parent;
};

// What may begin at a continuation.
struct Closure {
    Configurations configurations;
    std::vector<std::pair<int32_t, int32_t>> special_tokens;  // (token id, continuation)
    bool accepting = false;
};

struct PythonError : std::runtime_error {
    PythonError() : std::runtime_error("an exception is set in Python") {}
};
struct SeveralDocuments : std::domain_error {
    SeveralDocuments() : std::domain_error("the text can be read with JSON documents that begin at different places") {}
};
struct LeftRecursion : std::domain_error {
    LeftRecursion() : std::domain_error("a rule calls itself before it reads anything") {}
};

// They return a negative number with a Python exception set when they fail.
using ExpandFunction = int (*)(void* owner, int32_t state);
using SuccessorFunction = int (*)(void* owner, int32_t state, int32_t edge, int32_t label);
using ValueFunction = int (*)(void* owner, int32_t state, int32_t label);
using RecallFunction = int (*)(void* owner, int32_t state, const std::vector<std::string>& items);

// What says how a reading goes on where the grammar is given as a whole, by parse tables (parse_stack.hpp), not by states that
// are expanded on demand. Its continuations are stacks of its own numbers.
struct Row;
class Driver {
public:
    virtual ~Driver() = default;
    virtual void gather(int32_t continuation, Closure& out) = 0;
    virtual int32_t after(int32_t link, int32_t label) = 0;
    // The continuations of which one is it, where what was read last may have ended in several ways; else null.
    virtual const std::vector<int32_t>* members_of(int32_t continuation) const = 0;
    // One step of a short way to the end: its text, or a special token, and the continuation after it, BOTTOM at the end, NO_WAY
    // if there is none; not where there are several ways.
    static constexpr int32_t NO_WAY = -1;
    virtual int32_t finish(int32_t continuation, std::string& text, bool& is_special) = 0;
    // The rest of such a step for a configuration inside it; false if it is on none.
    virtual bool rest_of_step(const Configuration& c, std::string& text, int32_t& after) = 0;
    // The row of tokens that some configurations allow, without a budget.
    virtual Row make_row(const Configurations& set) = 0;
    // A closure that was gathered before is used to find something out about its stack (stack_depths.hpp).
    virtual void note_closure(int32_t continuation) = 0;
};

}  // namespace tokentrellis
