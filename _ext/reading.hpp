// Bytes read by a grammar and a tracker together: readings that repeat something fall away.
//
// In come configurations, a tracker of the text so far and a byte; both go on. An item that equals an earlier one drops
// the readings in which its array demands items that differ (their states are `distinct`); a key that comes again ends
// all readings. Cost: that of the network's step and of the tracker's.
#pragma once

#include "network.hpp"
#include "tracker.hpp"

namespace tokentrellis {

class Reading {
public:
    using Configurations = Network::Configurations;

    explicit Reading(Network& network) : network_(network) {}

    // One byte: false if no reading goes on so.
    bool step(Configurations& set, uint8_t byte, Tracker& tracker) {
        const bool opens_array = byte == '[' && tracker.outside_strings();
        const bool open_key = tracker.closes_key(byte) && is_other_key(set);
        Configurations following;
        network_.step(set, byte, following);
        if (following.empty()) return false;
        set.swap(following);
        tracker.feed(byte, open_key);
        if (tracker.repeats_key()) return false;
        if (opens_array && arrives_at_distinct(set)) tracker.demand_distinct();
        if (tracker.repeats_item()) drop_arrivals(set);
        return !set.empty();
    }

    // What distinguishes a situation from others, whatever bytes led there.
    static std::string describe(const Configurations& set, const Tracker& tracker) {
        std::string key(reinterpret_cast<const char*>(set.data()), set.size() * sizeof(Configuration));
        tracker.describe(key);
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
    bool arrives_at_distinct(const Configurations& set) const {
        return network_.distinct_items && std::any_of(set.begin(), set.end(), [&](const Configuration& c) { return is_distinct(c); });
    }

private:
    Network& network_;

    bool is_distinct(const Configuration& c) const {
        if (c.state != AT_CONTINUATION || c.link == BOTTOM) return false;
        const int32_t target = network_.at(c.link).target;
        return target > END_STATE && network_.expand(target).distinct;
    }
    void drop_arrivals(Configurations& set) const {
        set.erase(std::remove_if(set.begin(), set.end(), [&](const Configuration& c) { return is_distinct(c); }), set.end());
    }
};

}  // namespace tokentrellis
