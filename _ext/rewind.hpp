// A look ahead that leaves no trace: what a tracker reads within a block is taken back at its end.
#pragma once

#include "tracker.hpp"

namespace tokentrellis {

// Takes back what a tracker has read since, also when an exception passes; `keep` lets it stand.
class Rewind {
public:
    explicit Rewind(Tracker& tracker) : tracker_(tracker), mark_(tracker.mark()) {}
    ~Rewind() {
        if (!kept_) tracker_.undo(mark_);
    }
    void keep() { kept_ = true; }
    Rewind(const Rewind&) = delete;
    Rewind& operator=(const Rewind&) = delete;

private:
    Tracker& tracker_;
    const size_t mark_;
    bool kept_ = false;
};

}  // namespace tokentrellis
