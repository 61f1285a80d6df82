// Bytes read by a grammar and a tracker together: readings that repeat something fall away.
//
// In come configurations, a tracker of the text so far and a byte; both go on. An item that equals an earlier one drops
// the readings in which its array demands items that differ (their states are DISTINCT) or still waits for one that is
// repeated (AWAITING); one that equals none drops those that go on from a repetition (REPEATED). A key that comes again ends
// all readings; after a comma, the grammar is told the items so far where it asks for them (`recalls`). Cost: that of the
// network's step and of the tracker's. Where JSON documents are parts of the text, there is one tracker for the document that is open:
// other readings go on beside those in it, but none may begin another document (SeveralDocuments).
#pragma once

#include "network.hpp"
#include "rewind.hpp"

namespace tokentrellis {

class Reading {
public:
    explicit Reading(Network& network) : network_(network) {}

    // One byte: false if no reading goes on so.
    bool step(Configurations& set, uint8_t byte, Tracker& tracker) {
        const bool bracket = byte == '[' || byte == '{';
        const bool opens_array = byte == '[' && tracker.outside_strings();
        const bool was_outside = tracker.outside_documents();
        const bool open_key = tracker.closes_key(byte) && is_other_key(set);
        Configurations following;
        network_.step(set, byte, following);
        if (following.empty()) return false;
        set.swap(following);
        tracker.feed(byte, open_key);
        if (bracket && tracker.in_parts() && opens_document(set)) {
            if (!was_outside) throw SeveralDocuments();
            tracker.open_document(byte);
        }
        if (tracker.repeats_key()) {
            if (!tracker.in_parts()) return false;
            drop_documents(set);
        }
        if (tracker.outside_documents()) return !set.empty();
        if (opens_array) note_opened(set, tracker);
        drop_arrivals(set, tracker.item());
        if (byte == ',' && tracker.awaits_repetition()) recall_items(set, tracker);
        if (tracker.in_parts() && !in_documents(set).any) tracker.leave_document();
        return !set.empty();
    }

    // Whether some readings are in a document, and whether some are not.
    struct Sides {
        bool any = false, others = false;
        bool both() const { return any && others; }
    };
    Sides in_documents(const Configurations& set) const {
        Sides sides;
        for (const Configuration& c : set) (network_.in_document(c.link) ? sides.any : sides.others) = true;
        return sides;
    }
    void drop_documents(Configurations& set) const {
        set.erase(std::remove_if(set.begin(), set.end(), [&](const Configuration& c) { return network_.in_document(c.link); }), set.end());
    }
    void keep_documents(Configurations& set) const {
        set.erase(std::remove_if(set.begin(), set.end(), [&](const Configuration& c) { return !network_.in_document(c.link); }), set.end());
    }
    bool opens_document(const Configurations& set) const {
        return std::any_of(set.begin(), set.end(), [&](const Configuration& c) { return network_.opens_document(c); });
    }

    // Bytes in the order in which they are tried: what ends things first, blanks last, escapes after all else that can be seen.
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

    static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

    // Whether white space that led from one set of configurations to another, outside strings, changes nothing: all that may
    // come after it leads to the same place without it. False in layouts that ask for white space.
    bool is_idle(const Configurations& before, const Configurations& after) {
        const ByteSet possible = network_.possible_bytes(after);
        Configurations with, without;
        bool goes_on = false;
        for (int byte = 0; byte < 256; ++byte) {
            if (is_blank(static_cast<uint8_t>(byte)) || !contains(possible, static_cast<uint8_t>(byte))) continue;
            network_.step(after, static_cast<uint8_t>(byte), with);
            if (with.empty()) continue;
            network_.step(before, static_cast<uint8_t>(byte), without);
            if (with != without) return false;
            goes_on = true;
        }
        return goes_on;
    }

    // Several bytes: false if no reading goes on with one of them.
    bool read(Configurations& set, const uint8_t* begin, const uint8_t* end, Tracker& tracker) {
        return std::all_of(begin, end, [&](uint8_t byte) { return step(set, byte, tracker); });
    }

    // What distinguishes a situation from others, whatever bytes led there (loosely: Tracker::describe).
    static std::string describe(const Configurations& set, const Tracker& tracker, bool loosely = false) {
        std::string key(reinterpret_cast<const char*>(set.data()), set.size() * sizeof(Configuration));
        tracker.describe(key, loosely);
        return key;
    }

    // Whether a key that closes now is one that the grammar does not name.
    bool is_other_key(const Configurations& set) const {
        for (const Configuration& c : set) {
            const Edge* edge = c.state == AT_CONTINUATION ? nullptr : network_.edge_at(c);
            if (edge == nullptr || edge->kind != OTHERS_EDGE || network_.lexicon.automata.step(c.state, '"') == DEAD) continue;
            if (c.extra == NO_NODE || network_.table_of(*edge).nodes[c.extra].literal < 0) return true;
        }
        return false;
    }
    // After the bracket of an array: tell the tracker what its items are needed for.
    void note_opened(const Configurations& set, Tracker& tracker) const {
        if (!network_.distinct_items) return;
        bool distinct = false, awaits = false;
        for (const Configuration& c : set) {
            const GrammarState* arrival = arrival_of(c);
            distinct |= arrival != nullptr && arrival->items == DISTINCT;
            awaits |= arrival != nullptr && arrival->items == AWAITING;
        }
        if (distinct || awaits) tracker.demand_items(distinct, awaits);
    }

private:
    Network& network_;

    // The grammar state at which a configuration has arrived; null within a terminal.
    const GrammarState* arrival_of(const Configuration& c) const {
        if (c.state != AT_CONTINUATION || c.link == BOTTOM || network_.members_of(c.link)) return nullptr;
        const int32_t target = network_.at(c.link).target;
        return target > END_STATE ? &network_.expand(target) : nullptr;
    }
    void drop_arrivals(Configurations& set, Tracker::Item item) const {
        if (item == Tracker::NO_ITEM || (item == Tracker::NEW && !network_.has_repeating)) return;  // the latter has nothing to drop
        auto is_dropped = [&](const Configuration& c) {
            const GrammarState* arrival = arrival_of(c);
            return arrival != nullptr && (item == Tracker::NEW ? arrival->items == REPEATED : arrival->items == DISTINCT || arrival->items == AWAITING);
        };
        set.erase(std::remove_if(set.begin(), set.end(), is_dropped), set.end());
    }
    void recall_items(Configurations& set, const Tracker& tracker) const {
        std::vector<std::string> items;
        bool recalls = false;
        for (Configuration& c : set) {
            const GrammarState* arrival = arrival_of(c);
            if (arrival == nullptr || !arrival->recalls) continue;
            if (!recalls) items = tracker.items_as_json();
            recalls = true;
            const Continuation here = network_.at(c.link);
            c.link = network_.continuation(network_.recall(here.target, items), here.parent);
        }
        if (!recalls) return;
        std::sort(set.begin(), set.end());
        set.erase(std::unique(set.begin(), set.end()), set.end());
    }
};

}  // namespace tokentrellis
