// Whether the string that is being read can still become a new one: a walk along the texts that have come.
//
// In come configurations, a tracker that stands in a string, and the earlier texts with which that one could be equal (sorted,
// so those that begin alike are a range: a trie without nodes). A text is new as soon as it leaves them, since whatever the
// configurations allow can be completed. So only bytes that stay on earlier texts are followed, depth first, and a place is
// what the configurations are and how far one has come in those texts: no place is looked at twice. What has no way to a new
// text (it is *full*) is kept for all masks to come, by the texts that fill it (told apart by a sum of hashes of 64 bits).
// Escapes are followed where they spell what bytes alone cannot.
// `allows` may forbid places, for a walk within a budget: it is told how many bytes have been read.
// Cost: some 0.2 us for each byte of the earlier texts that begin like the string, at most; 1 us where the first byte leads away.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "reading.hpp"

namespace tokentrellis {

class NewTexts {
public:
    explicit NewTexts(Network& network) : network_(network), reading_(network) {}

    // Takes back what the tracker reads. used: as the tracker gives it (only_text_matters).
    bool exist(const Configurations& set, Tracker& tracker, const UsedTexts& used) {
        return walk(set, tracker, used, [](const Configurations&, uint8_t, int64_t) { return true; }, true);
    }

    // Whether one can be written so that each byte is allowed: `allows(configurations after it, byte, bytes read)`.
    template <class Allows>
    bool exist_within(const Configurations& set, Tracker& tracker, const UsedTexts& used, const Allows& allows) {
        return walk(set, tracker, used, allows, false);
    }

    int64_t n_places() const { return n_places_; }  // looked at, in all

private:
    static constexpr size_t MOST_FULL = 1 << 18;

    struct Facts {
        ByteSet bytes{};             // that a state reads
        bool needs_escapes = false;  // a text may go on with a character that is written as an escape only
    };
    struct Place {
        Configurations set;
        UsedTexts used;
        ByteSet bytes;
        size_t mark;           // of the tracker
        int next = 0;          // the place of the byte to try next
        std::string key;       // what it is kept under; empty: it is not
    };

    Network& network_;
    Reading reading_;
    std::unordered_set<std::string> full_;
    std::unordered_map<int32_t, Facts> facts_;  // by state
    int64_t n_places_ = 0;

    template <class Allows>
    bool walk(const Configurations& start, Tracker& tracker, const UsedTexts& texts, const Allows& allows, bool keeps) {
        if (full_.size() > MOST_FULL) full_.clear();
        Rewind rewind(tracker);
        std::unordered_map<std::string, int64_t> met;  // places within a budget, and the bytes read before them
        std::vector<Place> path;
        const bool lacks_bytes = !network_.lexicon.automata.all_usable;
        // Adds a place; false if it is known to lead nowhere.
        auto enter = [&](Configurations set, const UsedTexts& used, bool is_kept) {
            const int64_t n_read = static_cast<int64_t>(path.size());
            Place place{std::move(set), used, {}, tracker.mark(), 0, {}};
            if (is_kept) {
                place.key = describe(place.set, used);
                if (full_.count(place.key) > 0) return false;
                if (!keeps) {
                    auto [known, is_new] = met.emplace(place.key, n_read);
                    if (!is_new && known->second <= n_read) return false;
                    known->second = n_read;
                }
            }
            place.bytes = is_known(place.set) ? bytes_of(place.set) : network_.possible_bytes(place.set);
            path.push_back(std::move(place));
            ++n_places_;
            return true;
        };
        if (!enter(start, texts, true)) return false;
        Configurations to;
        while (!path.empty()) {
            Place& here = path.back();
            tracker.undo(here.mark);
            const bool plain = tracker.in_plain_text();
            const int64_t n_read = static_cast<int64_t>(path.size());  // with the next byte
            if (here.next == 0 && plain) {
                if (leaves(here, tracker, allows, n_read)) return true;
                here.bytes = bytes_of(here.set);  // all have been tried: no state is made for that
            }
            bool entered = false;
            while (here.next < 256 && !entered) {
                const uint8_t byte = Reading::byte_at(here.next++);
                if (!contains(here.bytes, byte)) continue;
                if (plain && byte == '"') {
                    if (here.used.is_text() && ends(here, tracker, allows, n_read)) return true;  // else it was tried
                    continue;
                }
                const bool is_escape = plain && byte == '\\';
                if (is_escape && !lacks_bytes && !needs_escapes(here.set)) continue;
                UsedTexts used = here.used;
                if (plain && !is_escape && (used = used.below(byte)).empty()) continue;  // it was tried
                network_.step(here.set, byte, to);
                if (to.empty() || !allows(to, byte, n_read)) continue;
                tracker.undo(here.mark);
                const size_t length = tracker.text_length();
                tracker.feed(byte, false);
                if (!plain)
                    for (size_t i = length; i < tracker.text_length(); ++i) used = used.below(tracker.text_byte(i));
                if (used.empty()) return true;
                // Where there is one way on only, and no other spelling of it, it need not be kept.
                const bool is_only = plain && !is_escape && !lacks_bytes && used.size() == here.used.size() && !needs_escapes(here.set);
                entered = enter(to, used, !is_only);
                if (entered) break;  // `here` has moved
            }
            if (entered) continue;
            if (keeps && !path.back().key.empty()) full_.insert(std::move(path.back().key));
            path.pop_back();
        }
        return false;
    }

    // Whether some byte leads away from the earlier texts, or ends one that is none of them.
    template <class Allows>
    bool leaves(const Place& here, Tracker& tracker, const Allows& allows, int64_t n_read) {
        ByteSet bytes = here.bytes;
        auto remove = [&](uint8_t byte) { bytes[byte >> 6] &= ~(1ull << (byte & 63)); };
        remove('\\');
        here.used.each_branch([&](const UsedTexts& branch) { branch.is_text() ? remove('"') : remove(branch.next_byte()); });
        Configurations to;
        for (int place = 0; place < 256; ++place) {
            const uint8_t byte = Reading::byte_at(place);
            if (!contains(bytes, byte)) continue;
            if (byte == '"') {
                if (ends(here, tracker, allows, n_read)) return true;
                continue;
            }
            network_.step(here.set, byte, to);
            if (!to.empty() && allows(to, byte, n_read)) return true;
        }
        return false;
    }

    // Whether the string may end here.
    template <class Allows>
    bool ends(const Place& here, Tracker& tracker, const Allows& allows, int64_t n_read) {
        Rewind rewind(tracker);
        Configurations to = here.set;
        return reading_.step(to, '"', tracker) && !tracker.endangered() && allows(to, '"', n_read);
    }

    static std::string describe(const Configurations& set, const UsedTexts& used) {
        std::string key(reinterpret_cast<const char*>(set.data()), set.size() * sizeof(Configuration));
        for (uint64_t part : {used.digest(), static_cast<uint64_t>(used.size()), static_cast<uint64_t>(used.length())}) key.append(reinterpret_cast<const char*>(&part), sizeof part);
        return key;
    }

    bool is_known(const Configurations& set) const {
        return std::all_of(set.begin(), set.end(), [&](const Configuration& c) { return facts_.count(c.state) > 0; });
    }
    ByteSet bytes_of(const Configurations& set) {
        ByteSet bytes{};
        for (const Configuration& c : set) {
            const Edge* edge = c.state == AT_CONTINUATION ? nullptr : network_.edge_at(c);
            const bool is_automaton = c.state != AT_CONTINUATION && (edge == nullptr || edge->kind != LITERALS_EDGE);
            const ByteSet possible = is_automaton ? facts_of(c.state).bytes : network_.possible_bytes({c});
            for (int word = 0; word < 4; ++word) bytes[word] |= possible[word];
        }
        return bytes;
    }
    bool needs_escapes(const Configurations& set) {
        return std::any_of(set.begin(), set.end(), [&](const Configuration& c) { return c.state == AT_CONTINUATION || facts_of(c.state).needs_escapes; });
    }
    const Facts& facts_of(int32_t state) {
        auto known = facts_.find(state);
        if (known != facts_.end()) return known->second;
        Automata& automata = network_.lexicon.automata;
        Facts facts;
        for (int byte = 0; byte < 256; ++byte)
            if (automata.step(state, static_cast<uint8_t>(byte)) != DEAD) facts.bytes[byte >> 6] |= 1ull << (byte & 63);
        facts.needs_escapes = automata.info[state].phase != BODY;
        if (!facts.needs_escapes) {
            const int32_t content = network_.lexicon.position(state).inner;
            for (int byte = 0; byte < 0x20; ++byte) facts.needs_escapes |= automata.step(content, static_cast<uint8_t>(byte)) != DEAD;
            for (uint8_t byte : {'"', '\\'}) facts.needs_escapes |= automata.step(content, byte) != DEAD;
        }
        return facts_.emplace(state, facts).first->second;
    }
};

}  // namespace tokentrellis
