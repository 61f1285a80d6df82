// The JSON read so far, as far as it decides what may be repeated: keys of an object, items of an array.
//
// That no key comes twice and that the items of an array differ (`uniqueItems`) is nothing that a finite state can know, so
// it is kept beside the states: a matcher feeds its bytes to a tracker, which keeps, for each open object, the keys that
// were read as "any other key" (those that the grammar names are its own business) and, inside arrays whose items must
// differ, the values so far, as numbers (json_values.hpp). `endangered` says whether what is being read could still become a repetition: only then do
// masks have to look closer (repetitions.hpp). Items that are compared are kept sorted too, so that those that a text may
// become are a range. Every byte can be taken back; cost: 1 to 5 ns a byte, more where values are kept.
#pragma once

#include <memory>

#include "json_frame.hpp"
#include "used_texts.hpp"

namespace tokentrellis {

class Tracker {
public:
    enum Where : uint8_t { VALUE, STRING, STRING_ESCAPE, STRING_HEX, SCALAR, VALUE_DONE, KEY, KEY_DONE, OUTSIDE };

    // in_parts: JSON documents are parts of the text. Outside of them nothing is read; `open_document` begins one, whose last
    // bracket ends it. One that is no object or array repeats nothing, and is not read either.
    explicit Tracker(bool in_parts = false) : in_parts_(in_parts) {
        log_.reserve(64), frames_.reserve(8);  // for the beginning of a text
        if (in_parts) at_.where = OUTSIDE;
    }

    // Whether a repetition is possible at all: some key or item has been kept.
    bool active() const { return n_keys_ + n_items_ > 0; }
    // Whether an array is open whose items are compared: they have to differ, or it must still repeat one.
    bool in_compared() const { return n_distinct_ + n_awaiting_ > 0; }
    bool in_distinct() const { return n_distinct_ > 0; }
    bool in_awaiting() const { return n_awaiting_ > 0; }
    // Brackets that have to close before an item of such an array is over, besides what is open within a string or number.
    int levels_to_compared() const {
        int levels = 0;
        for (size_t level = frames_.size(); level-- > 0; ++levels)
            if (frames_[level].distinct || frames_[level].awaits) break;
        return levels;
    }
    // Whether the innermost open array must still repeat an item; outside of a string.
    bool awaits_repetition() const { return n_awaiting_ > 0 && !frames_.empty() && frames_.back().awaits && outside_strings(); }
    bool has_items() const { return n_items_ > 0; }
    bool in_plain_text() const { return at_.where == STRING; }  // of a string, and not in an escape
    // In a string that is no key and is not kept, and not in an escape.
    bool in_free_text() const { return at_.where == STRING && !at_.in_key && !keeping(); }
    bool in_parts() const { return in_parts_; }
    bool outside_documents() const { return at_.where == OUTSIDE; }
    bool outside_strings() const { return at_.where < STRING || at_.where > STRING_HEX; }
    bool in_key_text() const { return at_.in_key && at_.where >= STRING && at_.where <= STRING_HEX; }
    bool closes_key(uint8_t byte) const { return byte == '"' && at_.where == STRING && at_.in_key; }
    bool repeats_key() const { return repeats_key_; }
    size_t mark() const { return log_.size(); }
    // Whether a key that the grammar does not name has closed since then, whether or not it came a second time.
    bool closed_open_key_since(size_t mark) const {
        return std::any_of(log_.begin() + static_cast<ptrdiff_t>(mark), log_.end(), [](const Step& step) { return (step.changes & OPEN_KEY) != 0; });
    }
    bool in_scalar() const { return at_.where == SCALAR; }
    // Whether the next key or value is still to begin.
    bool before_text() const { return at_.where == VALUE || at_.where == KEY; }

    // Read a byte of a document that the grammar allows. open_key: a key that closes now is one that the grammar does not
    // name.
    void feed(uint8_t byte, bool open_key) {
        repeats_key_ = false;
        if (changes_nothing(byte)) return;
        log_.push_back({at_, static_cast<uint32_t>(text_.size()), 0});
        switch (at_.where) {
            case STRING:
                if (byte == '"') return close_string(open_key);
                if (byte == '\\') at_.where = STRING_ESCAPE;
                else append(byte);
                return;
            case STRING_ESCAPE:
                if (byte == 'u') at_.where = STRING_HEX, at_.digits = 0, at_.unit = 0;
                else append(static_cast<uint8_t>(simple_escape(byte))), at_.where = STRING;
                return;
            case STRING_HEX:
                return read_hex(byte);
            case SCALAR:
                if (byte != ',' && byte != ']' && byte != '}' && byte > ' ') return append(is_digit(byte) && in_exponent_of_zero() ? '0' : byte);
                complete_scalar();
                break;
            default:
                break;
        }
        read_structure(byte);
    }

    // Outside of documents: the bracket just read begins one.
    void open_document(uint8_t bracket) {
        log_.push_back({at_, static_cast<uint32_t>(text_.size()), 0});
        at_.where = VALUE;
        read_structure(bracket);
    }
    // No reading of the text is in this document any more.
    void leave_document() {
        log_.push_back({at_, static_cast<uint32_t>(text_.size()), LEFT});
        for (const JsonFrame& frame : frames_) count(frame, -1);
        left_.push_back(std::move(frames_));
        frames_.clear();
        at_ = {};
        at_.where = OUTSIDE;
    }

    // The items of the array opened by the byte just read have to differ, or it must repeat one.
    void demand_items(bool distinct, bool awaits) {
        JsonFrame& frame = frames_.back();
        frame.keeps = frame.is_sorted = true, frame.distinct = distinct, frame.awaits = awaits;
        n_distinct_ += distinct, n_awaiting_ += awaits;
    }

    // The items of the innermost open array, which keeps them.
    std::vector<std::string> items_as_json() const {
        std::vector<std::string> items;
        for (int32_t item : frames_.back().items) values_->write(item, items.emplace_back());
        return items;
    }

    // Tokens to clear in a state, remembered while one string is read in it, as long as nothing in it is endangered.
    struct Correction {
        int32_t state = -1;
        size_t string = 0, made_at = 0;
        std::vector<int32_t> tokens;
    };
    Correction& correction(int32_t state, bool& is_known) {
        is_known = state >= 0 && correction_.state == state && correction_.string == at_.string && correction_.made_at <= log_.size() && in_plain_text();
        if (!is_known) correction_ = {in_plain_text() ? state : -1, at_.string, log_.size(), {}};
        return correction_;
    }

    void forget_correction() { correction_.state = -1; }

    void undo(size_t mark) {
        if (mark < correction_.made_at) correction_.state = -1;
        while (log_.size() > mark) {
            const Step step = log_.back();
            log_.pop_back();
            if (step.changes & LEFT) {
                frames_ = std::move(left_.back());
                left_.pop_back();
                for (const JsonFrame& frame : frames_) count(frame, 1);
            }
            if (step.changes & PUSHED) {
                n_distinct_ -= frames_.back().distinct, n_awaiting_ -= frames_.back().awaits;
                frames_.pop_back();
            }
            // In the reverse order of feed(): a scalar may be complete before its frame closes.
            if (step.changes & APPENDED) remove_last();
            if (step.changes & POPPED) {
                frames_.push_back(std::move(popped_.back()));
                popped_.pop_back();
                count(frames_.back(), 1);
            }
            if (step.changes & SCALAR_APPENDED) remove_last();
            if (step.changes & OPEN_KEY) {
                auto& keys = frames_.back().open_keys;
                const std::string key = text_.substr(step.before.begin, step.length - step.before.begin);
                const auto place = std::lower_bound(keys.begin(), keys.end(), key);
                const auto hash = frames_.back().hashes.begin() + (place - keys.begin());
                frames_.back().keys_digest -= *hash;
                frames_.back().hashes.erase(hash);
                keys.erase(place);
                --n_keys_;
            }
            at_ = step.before;
            text_.resize(step.length);
        }
        repeats_key_ = false;
    }

    void reset() { *this = Tracker(in_parts_); }

    // Of the value that is complete now (or would be, if the number ended): whether it is an item of an array whose items are
    // compared, and equals an earlier one.
    enum Item : uint8_t { NO_ITEM, NEW, REPEATED };
    Item item() const {
        if (frames_.empty() || (at_.where != VALUE_DONE && at_.where != SCALAR)) return NO_ITEM;
        const JsonFrame& frame = frames_.back();
        if (at_.where == VALUE_DONE) {
            if (!frame.distinct && !frame.awaits && frame.repeated_at != frame.items.size()) return NO_ITEM;
            return is_last_repeated(frame) ? REPEATED : NEW;
        }
        if (!frame.distinct && !frame.awaits) return NO_ITEM;
        const std::string now = text_.substr(at_.begin), number = canonical_number(now);
        const bool is_known = number.empty() ? values_->has(frame.sorted, ValueTable::WORD, now) : values_->has(frame.sorted, ValueTable::NUMBER, number);
        return is_known ? REPEATED : NEW;
    }
    bool repeats_item() const { return item() == REPEATED; }

    // The number of the last item of the innermost open array, whose items are kept.
    int32_t last_item() const { return frames_.back().items.back(); }

    // Append what distinguishes this situation from others: two trackers that agree here agree on all that follows. loosely: or,
    // in a number, on whether something new can follow. Numbers with more zeros in a row than there are items are alike then:
    // where they go on alike they become the same, or so many different ones that one of those with fewer zeros is new too.
    void describe(std::string& out, bool loosely = false) const {
        auto number = [&](size_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
        auto text = [&](const std::string& value) { number(value.size()), out += value; };
        number(static_cast<size_t>(at_.where) << 40 | static_cast<size_t>(at_.in_key) << 36 | static_cast<size_t>(at_.digits) << 32 | static_cast<size_t>(at_.unit) << 16 | at_.high);
        if (at_.where == SCALAR) {
            const std::string number = shortened_exponent(text_.substr(at_.begin));
            const int most_zeros = loosely ? n_items_ + 1 : INT32_MAX;
            int zeros = 0;
            for (char c : number)
                if ((zeros = c == '0' ? zeros + 1 : 0) <= most_zeros) out += c;
        }
        if (!outside_strings()) out.append(text_, at_.begin, std::string::npos);
        for (const JsonFrame& frame : frames_) {
            number(frame.items.size() << 3 | static_cast<size_t>(frame.awaits) << 2 | static_cast<size_t>(frame.is_object) << 1 | static_cast<size_t>(frame.distinct));
            text(frame.key);
            if (frame.keys.empty()) {
                number(static_cast<size_t>(frame.digest));
            } else {
                for (size_t i : frame.by_key()) text(frame.keys[i]), number(static_cast<size_t>(frame.items[i]));
            }
            number(frame.open_keys.size()), number(static_cast<size_t>(frame.keys_digest));
        }
    }

    // The other keys that what is being read may become a second time, sorted, and how much of them has been read.
    struct Keys {
        const std::string *begin = nullptr, *end = nullptr;
        size_t read = 0;
        bool begun = false;       // their opening quote has been read
        bool in_escape = false;   // and half of a character
    };
    Keys endangered_keys() const {
        Keys found;
        if (frames_.empty() || frames_.back().open_keys.empty()) return found;
        const auto& keys = frames_.back().open_keys;
        if (at_.where == KEY) return {keys.data(), keys.data() + keys.size(), 0, false, false};
        if (!in_key_text()) return found;
        const size_t length = text_.size() - at_.begin;
        auto before = [&](const std::string& key, int) { return key.compare(0, length, text_, at_.begin, length) < 0; };
        auto after = [&](int, const std::string& key) { return key.compare(0, length, text_, at_.begin, length) > 0; };
        const auto first = std::lower_bound(keys.begin(), keys.end(), 0, before), last = std::upper_bound(first, keys.end(), 0, after);
        return {keys.data() + (first - keys.begin()), keys.data() + (last - keys.begin()), length, true, at_.where != STRING};
    }

    // The bytes after which what is being read could still be a repetition, where that is plain text; else all.
    ByteSet dangerous_bytes() const {
        ByteSet bytes{~0ull, ~0ull, ~0ull, ~0ull};
        if (at_.where != STRING) return bytes;
        bytes = {};
        auto add = [&](uint8_t byte) { bytes[byte >> 6] |= 1ull << (byte & 63); };
        add('\\');
        const size_t length = text_.size() - at_.begin;
        auto add_next = [&](const std::string& wanted) {
            add(wanted.size() > length ? static_cast<uint8_t>(wanted[length]) : '"');
            return false;
        };
        auto add_branch = [&](const UsedTexts& branch) { add(branch.is_text() ? '"' : branch.next_byte()); };
        used_keys().each_branch(add_branch);
        if (n_items_ > 0)
            for (size_t level = 0; level < frames_.size(); ++level) {
                if (!frames_[level].distinct) continue;
                if (level + 1 < frames_.size()) {
                    for (int32_t item : frames_[level].items) may_become(item, level + 1, add_next);
                    continue;
                }
                used_items().each_branch(add_branch);
            }
        return bytes;
    }

    // Whether all that can go wrong is that the string being read becomes one of the texts found, a key of its object or an item
    // of its array. They stand until the tracker goes on, and again once that is undone, but for the end of the string.
    bool only_text_matters(UsedTexts& used) const {
        if (outside_strings() || frames_.empty()) return false;
        const JsonFrame& frame = frames_.back();
        if (at_.in_key) {
            used = used_keys();
            return !used.empty() && !item_endangered();
        }
        if (!frame.distinct || frame.is_object) return false;
        for (size_t level = 0; level + 1 < frames_.size(); ++level)
            if (item_endangered(level)) return false;
        used = used_items();
        return true;
    }
    size_t text_length() const { return text_.size(); }
    uint8_t text_byte(size_t i) const { return static_cast<uint8_t>(text_[i]); }

    // Whether what is being read (a key, an item of an array whose items must differ) could still become a repetition. Never
    // wrongly false, but for what comes after the next comma.
    bool endangered() const { return active() && (key_endangered() || item_endangered()); }
    bool item_endangered() const {
        if (n_items_ == 0) return false;
        for (size_t level = 0; level < frames_.size(); ++level)
            if (item_endangered(level)) return true;
        return false;
    }

private:
    struct Position {
        uint8_t where = VALUE, in_key = 0, digits = 0;
        uint16_t unit = 0, high = 0;
        uint32_t begin = 0;   // of the text being read, in text_
        uint32_t string = 0;  // where the last string began, in log_
    };
    enum Change : uint8_t { PUSHED = 1, POPPED = 2, APPENDED = 4, SCALAR_APPENDED = 8, OPEN_KEY = 16, LEFT = 32 };
    struct Step {
        Position before;
        uint32_t length;
        uint8_t changes;
    };

    Position at_;
    std::string text_;  // decoded texts of keys and kept values, one after the other
    std::vector<JsonFrame> frames_, popped_;
    std::vector<std::vector<JsonFrame>> left_;  // of documents that no reading is in any more
    std::vector<Step> log_;
    Correction correction_;
    std::shared_ptr<ValueTable> values_ = std::make_shared<ValueTable>();
    int n_keys_ = 0, n_items_ = 0;  // kept in open frames: other keys, items that have to differ
    int n_distinct_ = 0, n_awaiting_ = 0;  // open arrays whose items have to differ, that must still repeat one
    bool repeats_key_ = false;
    bool in_parts_;

    bool item_endangered(size_t level) const {
        const JsonFrame& frame = frames_[level];
        if (!frame.distinct || frame.items.empty()) return false;
        if (level + 1 < frames_.size()) return std::any_of(frame.items.begin(), frame.items.end(), [&](int32_t item) { return may_become(item, level + 1); });
        switch (at_.where) {
            case VALUE: return true;
            case STRING: case STRING_ESCAPE: case STRING_HEX: return !used_items().empty();
            case SCALAR: return scalar_endangered(frame);
            default: return false;  // complete
        }
    }
    // Of the keys of the innermost frame those that the key being read may become.
    UsedTexts used_keys() const {
        const Keys keys = endangered_keys();
        if (keys.begin == keys.end) return {};
        const auto& all = frames_.back().open_keys;
        return {&all, &frames_.back().hashes, static_cast<size_t>(keys.begin - all.data()), static_cast<size_t>(keys.end - all.data()), keys.read};
    }
    // Of the items of the innermost frame, an array, those that the string being read may become.
    UsedTexts used_items() const {
        const JsonFrame& frame = frames_.back();
        const size_t length = text_.size() - at_.begin;
        const auto [first, last] = values_->that_begin(frame.sorted, ValueTable::TEXT, text_.data() + at_.begin, length);
        return {values_.get(), &frame.sorted, first, last, length};
    }
    // The same as may_become for all of its numbers and words: those whose significant digits begin with what has been read,
    // or are that without its last zeros.
    bool scalar_endangered(const JsonFrame& frame) const {
        const char* text = text_.data() + at_.begin;
        const size_t length = text_.size() - at_.begin;
        auto any = [&](ValueTable::Kind kind, const std::string& begin) {
            const auto [first, last] = values_->that_begin(frame.sorted, kind, begin);
            return first < last;
        };
        std::string digits;
        const bool negative = length > 0 && text[0] == '-';
        for (size_t i = negative; i < length && (text[i] | 0x20) != 'e'; ++i)
            if (text[i] != '.' && (text[i] != '0' || !digits.empty())) digits += text[i];
        if (digits.empty()) return any(ValueTable::NUMBER, digits);
        if (negative) digits.insert(0, 1, '-');
        if (!is_digit(text[negative])) return any(ValueTable::WORD, std::string(text, length));
        if (any(ValueTable::NUMBER, digits)) return true;
        while (digits.back() == '0') digits.pop_back();
        return any(ValueTable::NUMBER, digits + 'e');
    }

    bool keeping() const { return !frames_.empty() && frames_.back().keeps; }
    void append(uint8_t byte) {
        if (at_.in_key || keeping()) text_.push_back(static_cast<char>(byte));
    }

    // Outside of documents, and inside values that nobody compares: most bytes of a text.
    bool changes_nothing(uint8_t byte) const {
        switch (at_.where) {
            case OUTSIDE: return true;
            case STRING: return byte != '"' && byte != '\\' && in_free_text();
            case SCALAR: return byte > ' ' && byte != ',' && byte != ']' && byte != '}' && (!keeping() || (is_digit(byte) && is_digit(text_.back()) && in_exponent_of_zero()));
            default: return false;
        }
    }

    static bool is_digit(int byte) { return byte >= '0' && byte <= '9'; }

    // Whether the exponent of 0 is read: its digits are all the same to the value, and one is kept for all, so that whoever looks
    // for something new sees that they lead nowhere.
    bool in_exponent_of_zero() const {
        for (size_t i = at_.begin; i < text_.size(); ++i) {
            if ((text_[i] | 0x20) == 'e') return true;
            if (text_[i] >= '1' && text_[i] <= '9') return false;
        }
        return false;
    }

    void read_hex(uint8_t byte) {
        at_.unit = static_cast<uint16_t>(at_.unit << 4 | hex_digit(byte));
        if (++at_.digits < 4) return;
        const uint16_t unit = at_.unit, high = at_.high;
        at_.where = STRING;
        at_.digits = 0, at_.unit = 0;  // however a text was spelled, the situation after it is the same
        at_.high = is_high_surrogate(unit) ? unit : 0;
        if (at_.high != 0) return;  // the second half follows at once
        uint8_t bytes[4];
        const uint32_t character = is_low_surrogate(unit) ? join_surrogates(high, unit) : unit;
        for (int i = 0, n = encode_utf8(character, bytes); i < n; ++i) append(bytes[i]);
    }

    void read_structure(uint8_t byte) {
        switch (byte) {
            case ' ': case '\t': case '\n': case '\r':
                return;
            case '"':
                at_.in_key = at_.where == KEY;
                at_.where = STRING;
                at_.begin = static_cast<uint32_t>(text_.size());
                at_.string = static_cast<uint32_t>(log_.size());
                return;
            case ':':
                at_.where = VALUE;
                return;
            case ',':
                at_.where = frames_.empty() || !frames_.back().is_object ? VALUE : KEY;
                return;
            case '[': case '{': {
                JsonFrame frame;
                frame.is_object = byte == '{';
                frame.keeps = keeping();
                frames_.push_back(std::move(frame));
                log_.back().changes |= PUSHED;
                at_.where = byte == '{' ? KEY : VALUE;
                return;
            }
            case ']': case '}':
                return close();
            default:
                at_.where = SCALAR;
                at_.in_key = 0;
                at_.begin = static_cast<uint32_t>(text_.size());
                append(byte);
        }
    }

    void close_string(bool open_key) {
        if (!at_.in_key) {
            if (keeping()) keep({ValueTable::TEXT, text_.substr(at_.begin), {}, {}}, APPENDED);
            at_.where = VALUE_DONE;
            return;
        }
        JsonFrame& frame = frames_.back();
        std::string key = text_.substr(at_.begin);
        at_.where = KEY_DONE;
        if (open_key) {
            const auto place = std::lower_bound(frame.open_keys.begin(), frame.open_keys.end(), key);
            repeats_key_ = place != frame.open_keys.end() && *place == key;
            const uint64_t hash = hash_text(key);
            frame.hashes.insert(frame.hashes.begin() + (place - frame.open_keys.begin()), hash);
            frame.open_keys.insert(place, key);
            frame.keys_digest += hash;
            ++n_keys_;
            log_.back().changes |= OPEN_KEY;
        }
        if (frame.keeps) frame.key = std::move(key);
    }

    void complete_scalar() {
        if (keeping()) {
            std::string text = text_.substr(at_.begin), number = canonical_number(text);
            const bool is_word = number.empty();
            keep({is_word ? ValueTable::WORD : ValueTable::NUMBER, is_word ? std::move(text) : std::move(number), {}, {}}, SCALAR_APPENDED);
        }
        at_.where = VALUE_DONE;
    }

    void close() {
        if (frames_.empty()) return;  // no JSON: a grammar that promises it and does not keep its word
        JsonFrame frame = std::move(frames_.back());
        frames_.pop_back();
        count(frame, -1);
        log_.back().changes |= POPPED;
        ValueTable::Value value{frame.is_object ? ValueTable::OBJECT : ValueTable::ARRAY, {}, {}, {}};
        if (keeping()) {
            if (frame.is_object) {
                for (size_t i : frame.by_key()) value.items.push_back(frame.items[i]), value.keys.push_back(frame.keys[i]);
            } else {
                value.items = frame.items;
            }
        }
        popped_.push_back(std::move(frame));
        if (keeping()) keep(std::move(value), APPENDED);
        at_.where = VALUE_DONE;
        at_.in_key = 0;
        if (in_parts_ && frames_.empty()) at_ = {}, at_.where = OUTSIDE;
    }

    void count(const JsonFrame& frame, int sign) {
        n_distinct_ += sign * frame.distinct, n_awaiting_ += sign * frame.awaits;
        n_keys_ += sign * static_cast<int>(frame.open_keys.size());
        if (frame.distinct) n_items_ += sign * static_cast<int>(frame.items.size());
    }
    void keep(ValueTable::Value value, Change change) {
        JsonFrame& frame = frames_.back();
        const int32_t id = values_->add(std::move(value));
        frame.items.push_back(id);
        frame.digest = frame.digest * MULTIPLIER + (*values_)[id].hash;
        if (frame.is_sorted) frame.sorted.insert(place_of(frame, id), id);
        if (frame.is_object) frame.keys.push_back(frame.key);
        n_items_ += frame.distinct;
        log_.back().changes |= change;
        if (!frame.awaits || !is_last_repeated(frame)) return;
        frame.awaits = false, frame.repeated_at = frame.items.size();
        --n_awaiting_;
    }
    void remove_last() {
        JsonFrame& frame = frames_.back();
        if (frame.repeated_at > 0 && frame.repeated_at == frame.items.size()) {
            frame.awaits = true, frame.repeated_at = 0;
            ++n_awaiting_;
        }
        const int32_t id = frame.items.back();
        frame.items.pop_back();
        frame.digest = (frame.digest - (*values_)[id].hash) * inverse_of(MULTIPLIER);
        if (frame.is_sorted) frame.sorted.erase(place_of(frame, id));
        if (frame.is_object) frame.key = std::move(frame.keys.back()), frame.keys.pop_back();
        n_items_ -= frame.distinct;
    }

    // The first place of a value among the sorted items of a frame, or where it belongs.
    std::vector<int32_t>::const_iterator place_of(const JsonFrame& frame, int32_t id) const {
        return std::lower_bound(frame.sorted.begin(), frame.sorted.end(), id, [&](int32_t a, int32_t b) { return values_->is_before(a, b); });
    }
    bool is_last_repeated(const JsonFrame& frame) const {
        if (frame.sorted.size() < 2) return false;
        const auto place = place_of(frame, frame.items.back()) + 1;  // of another one that is equal
        return place != frame.sorted.end() && *place == frame.items.back();
    }
    bool begins_like(const std::string& wanted) const {
        const size_t length = text_.size() - at_.begin;
        return wanted.size() >= length && wanted.compare(0, length, text_, at_.begin, length) == 0;
    }

    bool key_endangered() const {
        const Keys keys = endangered_keys();
        return keys.begin != keys.end;
    }

    // Whether the value being read at a depth could become this one. `visit` is asked about the texts that the text being read
    // could become.
    bool may_become(int32_t id, size_t level) const {
        return may_become(id, level, [](const std::string&) { return true; });
    }
    template <class Visit>
    bool may_become(int32_t id, size_t level, const Visit& visit) const {
        const auto& value = (*values_)[id];
        if (level == frames_.size()) {
            switch (at_.where) {
                case VALUE: return true;
                case STRING: case STRING_ESCAPE: case STRING_HEX: return value.kind == ValueTable::TEXT && begins_like(value.text) && visit(value.text);
                case SCALAR:
                    if (value.kind == ValueTable::WORD) return begins_like(value.text);
                    return value.kind == ValueTable::NUMBER && number_may_become(text_.data() + at_.begin, text_.size() - at_.begin, value.text);
                default: return false;  // complete
            }
        }
        const JsonFrame& frame = frames_[level];
        if (value.kind != (frame.is_object ? ValueTable::OBJECT : ValueTable::ARRAY) || frame.items.size() > value.items.size()) return false;
        const bool is_last = level + 1 == frames_.size();
        if (!frame.is_object) {
            if (!std::equal(frame.items.begin(), frame.items.end(), value.items.begin())) return false;
            if (is_last && (at_.where == VALUE_DONE || (at_.where == VALUE && frame.items.empty()))) return true;
            return frame.items.size() < value.items.size() && may_become(value.items[frame.items.size()], level + 1, visit);
        }
        for (size_t i = 0; i < frame.items.size(); ++i) {
            const size_t member = value.find_member(frame.keys[i]);
            if (member == value.items.size() || value.items[member] != frame.items[i]) return false;
        }
        if (is_last && (at_.where == VALUE_DONE || at_.where == KEY)) return true;
        if (is_last && in_key_text()) {
            for (const std::string& key : value.keys)
                if (begins_like(key) && std::find(frame.keys.begin(), frame.keys.end(), key) == frame.keys.end() && visit(key)) return true;
            return false;
        }
        const size_t member = value.find_member(frame.key);
        if (member == value.items.size()) return false;
        return (is_last && at_.where == KEY_DONE) || may_become(value.items[member], level + 1, visit);
    }
};

}  // namespace tokentrellis
