// Rows of allowed tokens for grammars that are given by parse tables.
//
// A *part* is what a view of the vocabulary lets through from one configuration: the tokens that end inside its lexeme, and for each
// label with which the lexeme may end the part of the rests from the stack after that: one recursion, as in masks.hpp. What a part says
// depends on the state of the lexer and on that much of the stack as was read to find it out (stack_depths.hpp), so it is kept for
// all stacks with the same upper places: a second list in a list costs nothing. Large parts are bitmaps of their own.
// Cost: for what is new, the splits (lexeme_splits.hpp), the steps of the parser and the tokens listed; else a comparison. A new row
// has some ten new parts, most of them of a few tokens: they are put together in lists that stay, and kept in blocks, since to ask
// for memory would take longer than to find what is in them.
#pragma once

#include "cache_limits.hpp"
#include "lexeme_splits.hpp"
#include "masks.hpp"
#include "number_blocks.hpp"
#include "stack_depths.hpp"

namespace tokentrellis {

class LexemeRows {
public:
    LexemeRows(Network& network, LexemeAutomaton& lexemes, StackDepths& depths) : network_(network), lexicon_(network.lexicon), depths_(depths), splits_(network.lexicon, lexemes) {}

    Row make_row(const Configurations& set) {
        if (n_bytes_ > MOST_BYTES) forget();
        n_open_ = 0;
        Row row;
        std::shared_ptr<const RowBitmap> own;
        for (const Configuration& c : set) {
            const Part& part = part_of({}, c.state, c.link);
            if (set.size() == 1 && part.own && part.ids.size() == 0) {
                row.whole = part.own;
                row.accepting = part.accepting;
                return row;
            }
            add(part, {}, row, own);
            row.accepting |= part.accepting;
        }
        if (own) make_whole(row);
        return row;
    }

    // Finds what the first masks of any document need: the splits of the state before a lexeme, and of the first states inside lexemes.
    // `after` gives the state after what leaves many tokens behind it, or DEAD.
    template <class After>
    void prepare(LexemeAutomaton& lexemes, int32_t begin, After after) {
        const LexemeSplit& split = splits_.split({}, begin);
        for (const LexemeExit& exit : split.exits) {
            if (exit.rest.trie != 0 || lexicon_.trie(exit.rest).nodes[exit.rest.node].end - exit.rest.node < MANY_NODES) continue;
            const int32_t next = after(exit.label);
            if (next != DEAD) splits_.split(exit.rest, next);
        }
        std::vector<int32_t> queue{begin};
        for (size_t head = 0; head < queue.size() && prepared_.size() < MOST_PREPARED; ++head) {
            if (head > 0) splits_.split({}, queue[head]);
            lexemes.each_step(queue[head], [&](uint8_t, int32_t to) {
                if (splits_.reads_text(to)) splits_.split({}, to);
                if (prepared_.size() < MOST_PREPARED && !lexemes.has_words(to) && prepared_.insert(to).second) queue.push_back(to);
            });
        }
    }

private:
    static constexpr int32_t MANY_NODES = 4096;
    static constexpr size_t MOST_PREPARED = 64;  // states inside lexemes
    std::unordered_set<int32_t> prepared_;
    static constexpr size_t MOST_BYTES = cache_limit(32);
    static constexpr size_t MOST_IDS = 1024;   // of a part that is no bitmap

    struct Part {
        int32_t link = 0, n_places = 0;    // the stack for which it was found, and how many of its places were read
        const Part* other = nullptr;       // another one that differs in its stack only
        const RowBitmap* base = nullptr;       // tokens of a bitmap, or null, and
        Numbers ids;                           // some more
        std::shared_ptr<const RowBitmap> own;  // the same bitmap, if it belongs to parts and not to the splits
        bool accepting = false;
    };
    struct Alike {
        const Part* first = nullptr;
        size_t n = 0;
    };

    Network& network_;
    Lexicon& lexicon_;
    StackDepths& depths_;
    LexemeSplits splits_;
    StableList<Part> parts_;
    NumberBlocks ids_;
    ViewMap<const Part*> known_;  // by view, state, and stack
    ViewMap<Alike> alike_;        // by view, state, and the top of the stack
    struct Open {
        RowContent content;
        std::shared_ptr<const RowBitmap> own;  // of the bitmaps in it that belong to other parts, the last one
    };
    std::deque<Open> open_;  // the parts that are being made, the outermost first
    size_t n_open_ = 0;
    size_t n_bytes_ = 0;
    Bitmap marks_ = Bitmap(lexicon_.bitmap_words, 0);  // clear between two uses

    void forget() {
        known_.clear(), alike_.clear();
        parts_ = StableList<Part>();
        ids_ = NumberBlocks();
        n_bytes_ = 0;
    }

    const Part& part_of(View view, int32_t state, int32_t link) {
        const ViewKey key{view, state, link, 0};
        const Part* const* known = known_.find(key);
        const Part* const part = known != nullptr ? *known : alike_part(view, state, link);
        if (known == nullptr) known_[key] = part;
        if (is_several(link)) depths_.note(0);
        else depths_.note_places(link, part->n_places);
        return *part;
    }

    // One that was found for a stack with the same upper places, or a new one.
    const Part* alike_part(View view, int32_t state, int32_t link) {
        if (is_several(link)) return &new_part(view, state, link);
        const ViewKey key{view, state, network_.at(link).target, 0};
        if (const Alike* alike = alike_.find(key))
            for (const Part* part = alike->first; part != nullptr; part = part->other)
                if (depths_.agree(part->link, link, part->n_places)) return part;
        Part& made = new_part(view, state, link);
        Alike& alike = alike_[key];
        if (made.n_places <= StackDepths::MOST_PLACES && alike.n < StackDepths::MOST_ALIKE) {
            made.other = alike.first;
            alike = {&made, alike.n + 1};
        }
        return &made;
    }

    Part& new_part(View view, int32_t state, int32_t link) {
        if (n_open_ == open_.size()) open_.emplace_back();
        Open& open = open_[n_open_++];
        open.content.bases.clear(), open.content.ids.clear(), open.own.reset();
        Part made;
        const int32_t before = depths_.begin();
        made.accepting = collect(view, state, link, open);
        const int32_t lowest = depths_.end(before);
        --n_open_;
        settle(open, made);
        made.link = link;
        if (!is_several(link)) made.n_places = depths_.n_places(link, lowest);
        return parts_.emplace_back() = std::move(made);
    }

    bool is_several(int32_t link) const { return network_.at(link).target == ANY_OF; }

    // Whether the text may end there.
    bool collect(View view, int32_t state, int32_t link, Open& open) {
        if (state != AT_CONTINUATION) {
            collect_lexeme(view, state, link, open);
            return false;
        }
        const Closure& begins = network_.closure(link);
        network_.driver->note_closure(link);
        for (const Configuration& start : begins.configurations) collect_lexeme(view, start.state, start.link, open);
        if (!(view == View{})) return false;
        for (auto [token, continuation] : begins.special_tokens) open.content.ids.push_back(token);
        return begins.accepting;
    }

    void collect_lexeme(View view, int32_t state, int32_t link, Open& open) {
        const LexemeSplit& split = splits_.split(view, state);
        RowContent& content = open.content;
        for (const RowBitmap* bitmap : split.inner->bitmaps) content.bases.push_back({bitmap, {}});
        content.ids.insert(content.ids.end(), split.inner->ids.begin(), split.inner->ids.end());
        for (const LexemeExit& exit : split.exits) add(part_of(exit.rest, AT_CONTINUATION, network_.after(link, exit.label)), exit.removed, content, open.own);
    }

    // own becomes a bitmap of the part itself, if one is added: it is freed with the parts.
    void add(const Part& part, const std::vector<int32_t>& removed, RowContent& to, std::shared_ptr<const RowBitmap>& own) {
        if (part.base != nullptr) to.bases.push_back({part.base, removed});
        if (part.own) own = part.own;
        if (removed.empty()) {
            to.ids.insert(to.ids.end(), part.ids.begin(), part.ids.end());
            return;
        }
        for (int32_t id : removed) marks_[id >> 6] |= 1ull << (id & 63);
        for (int32_t id : part.ids)
            if (!(marks_[id >> 6] >> (id & 63) & 1)) to.ids.push_back(id);
        for (int32_t id : removed) marks_[id >> 6] = 0;
    }

    // What was collected, as one bitmap where it would be longer to add it as it is to others.
    void settle(Open& open, Part& part) {
        const RowContent& content = open.content;
        n_bytes_ += sizeof(Part) + 128;
        const bool is_plain = content.bases.size() == 1 && content.bases[0].removed.empty();
        if (content.ids.size() > MOST_IDS || !(content.bases.empty() || is_plain)) {
            part.own = std::make_shared<const RowBitmap>(content.united(lexicon_.bitmap_words));
            part.base = part.own.get();
            n_bytes_ += part.own->n_bytes();
            return;
        }
        if (is_plain) part.base = content.bases[0].bitmap, part.own = std::move(open.own);
        part.ids = ids_.keep(content.ids);
        n_bytes_ += part.ids.size() * 4;
    }

    void make_whole(Row& row) {
        row.whole = std::make_shared<const RowBitmap>(row.united(lexicon_.bitmap_words));
        row.bases.clear(), row.ids.clear();
    }
};

}  // namespace tokentrellis
