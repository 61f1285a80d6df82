// Rows of allowed tokens for grammars that are given by parse tables.
//
// A *part* is what a view of the vocabulary lets through from one configuration: the tokens that end inside its lexeme, and for each
// label with which the lexeme may end the part of the rests from the stack after that: one recursion, as in masks.hpp. What a part says
// depends on the state of the lexer and on that much of the stack as was read to find it out (stack_depths.hpp), so it is kept for
// all stacks with the same upper places: a second list in a list costs nothing. Large parts are bitmaps of their own.
// Cost: for what is new, the splits (lexeme_splits.hpp), the steps of the parser and the tokens listed; else a comparison.
#pragma once

#include "lexeme_splits.hpp"
#include "masks.hpp"
#include "stack_depths.hpp"

namespace tokentrellis {

class LexemeRows {
public:
    LexemeRows(Network& network, LexemeAutomaton& lexemes, StackDepths& depths) : network_(network), lexicon_(network.lexicon), depths_(depths), splits_(network.lexicon, lexemes) {}

    Row make_row(const Configurations& set) {
        if (n_bytes_ > MOST_BYTES) known_.clear(), alike_.clear(), parts_.clear(), n_bytes_ = 0;
        Row row;
        bool is_owned = false;
        for (const Configuration& c : set) {
            const Part& part = part_of({}, c.state, c.link);
            if (set.size() == 1 && part.own) {
                row.whole = part.own;
                row.accepting = part.accepting;
                return row;
            }
            add(part, {}, row, is_owned);
            row.accepting |= part.accepting;
        }
        if (is_owned) make_whole(row);
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
    static constexpr size_t MOST_BYTES = 32 << 20;
    static constexpr size_t MOST_IDS = 1024;   // of a part that is no bitmap
    static constexpr size_t MOST_ALIKE = 64;   // parts that differ in their stacks only, and are compared:
    static constexpr int32_t MOST_PLACES = 64; // those that depend on so much of the stack

    struct Part : RowContent {
        int32_t link, n_places;  // the stack for which it was found, and how many of its places were read
        std::shared_ptr<const Bitmap> own;
        bool accepting = false;
        size_t n_bytes() const { return sizeof(Part) + RowContent::n_bytes() + (own ? own->size() * 8 : 0); }
    };

    Network& network_;
    Lexicon& lexicon_;
    StackDepths& depths_;
    LexemeSplits splits_;
    std::deque<Part> parts_;
    std::unordered_map<ViewKey, const Part*, ViewKeyHash> known_;              // by view, state, and stack
    std::unordered_map<ViewKey, std::vector<const Part*>, ViewKeyHash> alike_;  // by view, state, and the top of the stack
    size_t n_bytes_ = 0;
    Bitmap marks_ = Bitmap(lexicon_.bitmap_words, 0);  // clear between two uses

    const Part& part_of(View view, int32_t state, int32_t link) {
        const ViewKey key{view, state, link, 0};
        auto known = known_.find(key);
        const Part* part = known != known_.end() ? known->second : alike_part(view, state, link);
        if (part == nullptr) part = &new_part(view, state, link);
        if (known == known_.end()) known_.emplace(key, part);
        depths_.note(is_several(link) ? 0 : depths_.of(link) - part->n_places + 1);
        return *part;
    }

    const Part* alike_part(View view, int32_t state, int32_t link) {
        auto found = alike_.find({view, state, network_.at(link).target, 0});
        if (found == alike_.end() || is_several(link)) return nullptr;
        for (const Part* part : found->second)
            if (depths_.agree(part->link, link, part->n_places)) return part;
        return nullptr;
    }

    const Part& new_part(View view, int32_t state, int32_t link) {
        Part made;
        const int32_t before = depths_.begin();
        collect(view, state, link, made);
        const int32_t lowest = depths_.end(before);
        settle(made);
        n_bytes_ += made.n_bytes() + 256;
        made.link = link;
        made.n_places = 0;
        if (!is_several(link) && lowest != StackDepths::NOTHING_READ) made.n_places = std::max(0, depths_.of(link) - lowest + 1);
        parts_.push_back(std::move(made));
        if (!is_several(link) && parts_.back().n_places <= MOST_PLACES) {
            auto& alike = alike_[{view, state, network_.at(link).target, 0}];
            if (alike.size() < MOST_ALIKE) alike.push_back(&parts_.back());
        }
        return parts_.back();
    }

    bool is_several(int32_t link) const { return network_.at(link).target == ANY_OF; }

    void collect(View view, int32_t state, int32_t link, Part& part) {
        if (state != AT_CONTINUATION) return collect_lexeme(view, state, link, part);
        const Closure& begins = network_.closure(link);
        network_.driver->note_closure(link);
        for (const Configuration& start : begins.configurations) collect_lexeme(view, start.state, start.link, part);
        if (!(view == View{})) return;
        for (auto [token, continuation] : begins.special_tokens) part.ids.push_back(token);
        part.accepting = begins.accepting;
    }

    void collect_lexeme(View view, int32_t state, int32_t link, Part& part) {
        const LexemeSplit& split = splits_.split(view, state);
        for (const Bitmap* bitmap : split.inner->bitmaps) part.bases.push_back({bitmap, {}});
        part.ids.insert(part.ids.end(), split.inner->ids.begin(), split.inner->ids.end());
        bool is_owned = false;
        for (const LexemeExit& exit : split.exits) add(part_of(exit.rest, AT_CONTINUATION, network_.after(link, exit.label)), exit.removed, part, is_owned);
    }

    // is_owned becomes true where a bitmap of the part itself is added.
    template <class Target>
    void add(const Part& part, const std::vector<int32_t>& removed, Target& to, bool& is_owned) {
        if (part.own) {
            to.bases.push_back({part.own.get(), removed});
            is_owned = true;
            return;
        }
        for (const Row::Base& base : part.bases) {
            to.bases.push_back(base);
            to.bases.back().removed.insert(to.bases.back().removed.end(), removed.begin(), removed.end());
        }
        if (removed.empty()) {
            to.ids.insert(to.ids.end(), part.ids.begin(), part.ids.end());
            return;
        }
        for (int32_t id : removed) marks_[id >> 6] |= 1ull << (id & 63);
        for (int32_t id : part.ids)
            if (!(marks_[id >> 6] >> (id & 63) & 1)) to.ids.push_back(id);
        for (int32_t id : removed) marks_[id >> 6] = 0;
    }

    // One bitmap, where it would be longer to add the part as it is to others.
    void settle(Part& part) {
        const bool is_plain = part.bases.size() == 1 && part.bases[0].removed.empty();
        if (part.ids.size() <= MOST_IDS && (part.bases.empty() || is_plain)) {
            part.ids.shrink_to_fit();
            return;
        }
        part.own = std::make_shared<const Bitmap>(part.united(lexicon_.bitmap_words));
        part.bases.clear(), part.bases.shrink_to_fit();
        part.ids.clear(), part.ids.shrink_to_fit();
    }

    void make_whole(Row& row) {
        row.whole = std::make_shared<const Bitmap>(row.united(lexicon_.bitmap_words));
        row.bases.clear(), row.ids.clear();
    }
};

}  // namespace tokentrellis
