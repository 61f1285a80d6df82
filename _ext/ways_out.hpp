// Whether what has been begun can still become something new.
//
// In come configurations and a tracker in which a key or an item is *endangered* (tracker.hpp): it may yet equal an earlier
// one. Looked for is a text after which it cannot: a byte that leads out of danger, nearly always; else, in a key or in a string
// that is an item, the walk of new_texts.hpp decides, whatever has come. What is left (numbers, arrays and objects as items)
// is a search along the texts that have come, best first. A text counts its decisions, that is the places where there was a choice, and of equals
// the longest goes first, so keys that are to be written anyway are passed at once. What says the same again is put off:
// escapes, and white space, which is left out altogether where it changes nothing. Situations met before are passed over,
// and so are further zeros in a number (1.00, 1e00), of which there is no end.
// A search that runs out of places has found that there is nothing new. One that is given up, after MOST_STEPS bytes read,
// says no as well: a token is allowed only if an end is known. So a token whose only ways on are farther than that is refused,
// though it might have been allowed. After one that was allowed the way that was found is there still, but a search that starts
// farther along it may look at other places first: that it is found again is likely, and not proven.
// Cost: about a microsecond where the first byte decides; some ten for each place of a search, 10000 bytes tried at most.
#pragma once

#include <queue>
#include <unordered_map>

#include "new_texts.hpp"

namespace tokentrellis {

class WaysOut {
public:
    WaysOut(Network& network, NewTexts& new_texts) : network_(network), reading_(network), new_texts_(new_texts) {}

    // Takes back what the tracker reads.
    bool exist(const Configurations& set, Tracker& tracker) {
        if (!tracker.endangered()) return true;
        UsedTexts used;
        if (tracker.only_text_matters(used)) return new_texts_.exist(set, tracker, used);
        Rewind rewind(tracker);
        begin_ = tracker.mark();
        steps_ = MOST_STEPS;
        here_ = 0;
        places_.clear(), seen_.clear(), waiting_ = {};
        places_.push_back({set, 0, 0, 0, 0, false});
        if (leads_out(0, tracker)) return true;
        while (!waiting_.empty() && steps_ > 0) {
            const int32_t number = std::get<2>(waiting_.top());
            waiting_.pop();
            const Place& place = places_[number];
            if (place.is_blank && reading_.is_idle(places_[place.before].set, place.set)) continue;
            go_to(number, tracker);
            if (leads_out(number, tracker)) return true;
        }
        return false;
    }

private:
    static constexpr int MOST_STEPS = 10000;
    static constexpr int BLANKS_LATER = 8, ESCAPES_LATER = 256;  // decisions by which they are put off

    struct Place {
        Configurations set;
        int32_t before;
        uint8_t byte;  // read to come here
        int32_t length, decisions;
        bool is_blank;  // white space outside strings was read
    };

    Network& network_;
    Reading reading_;
    NewTexts& new_texts_;
    std::vector<Place> places_;
    std::unordered_map<std::string, int32_t> seen_;  // decisions, by situation
    // Fewest decisions first, then the longest text, then the first found: (decisions, -length, place).
    using Rank = std::tuple<int32_t, int32_t, int32_t>;
    std::priority_queue<Rank, std::vector<Rank>, std::greater<Rank>> waiting_;
    size_t begin_ = 0;   // the tracker's mark at the first place
    int32_t here_ = 0;   // the place up to which it has read
    int steps_ = 0;

    // What is met again with more decisions leads no further.
    void add(Place place, std::string key) {
        const auto [known, is_new] = seen_.emplace(std::move(key), place.decisions);
        if (!is_new && known->second <= place.decisions) return;
        known->second = place.decisions;
        waiting_.push({place.decisions, -place.length, static_cast<int32_t>(places_.size())});
        places_.push_back(std::move(place));
    }

    // Let the tracker read the text of a place.
    void go_to(int32_t number, Tracker& tracker) {
        if (number == here_) return;
        std::vector<uint8_t> text;
        int32_t from = number;
        for (; from != 0 && from != here_; from = places_[from].before) text.push_back(places_[from].byte);
        if (from != here_) tracker.undo(begin_);
        Configurations set = places_[from].set;
        for (size_t i = text.size(); i-- > 0;) reading_.step(set, text[i], tracker);
        here_ = number;
    }

    // Whether a byte leads out of danger; else what follows is added.
    bool leads_out(int32_t number, Tracker& tracker) {
        const Configurations from = places_[number].set;
        const ByteSet possible = network_.possible_bytes(from), dangerous = tracker.dangerous_bytes();
        const bool outside = tracker.outside_strings(), in_escape = !outside && !tracker.in_plain_text();
        std::vector<std::pair<Place, std::string>> found, late;  // and what describes them
        Place to{{}, number, 0, places_[number].length + 1, places_[number].decisions, false};
        // Those that lead out of danger at once come first.
        for (int place = 0; place < 512; ++place) {
            to.byte = Reading::byte_at(place & 255);
            if (!contains(possible, to.byte) || contains(dangerous, to.byte) != (place > 255)) continue;
            Rewind rewind(tracker);
            to.set = from;
            if (!reading_.step(to.set, to.byte, tracker)) continue;
            --steps_;
            if (!tracker.endangered()) return true;
            UsedTexts used;
            if (tracker.only_text_matters(used)) {
                if (new_texts_.exist(to.set, tracker, used)) return true;
                continue;
            }
            to.is_blank = outside && Reading::is_blank(to.byte);
            (to.is_blank || (!outside && to.byte == '\\') ? late : found).push_back({to, Reading::describe(to.set, tracker, true)});
        }
        const bool puts_off = !found.empty();
        for (auto& [place, key] : found) place.decisions += found.size() > 1 && !in_escape, add(std::move(place), std::move(key));
        const int later = outside ? BLANKS_LATER : ESCAPES_LATER;
        for (auto& [place, key] : late) place.decisions += puts_off ? later : late.size() > 1, add(std::move(place), std::move(key));
        return false;
    }
};

}  // namespace tokentrellis
