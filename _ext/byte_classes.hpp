// The bytes that a lexer does not tell apart. In comes a program of terminals, out come classes of bytes: all that no node reads
// differently share one, so that a step is computed once for each.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "parse_tables.hpp"

namespace tokentrellis {

struct ByteClasses {
    std::array<uint8_t, 256> of{};  // by byte: the number of its class
    std::vector<std::vector<uint8_t>> members;

    explicit ByteClasses(const LexemeProgram& program) {
        std::vector<std::vector<bool>> signatures(256);
        auto refine = [&](const ByteSet& bytes) {
            for (int byte = 0; byte < 256; ++byte) signatures[byte].push_back(contains(bytes, byte));
        };
        std::set<ByteSet> known;
        for (const auto& state : program.classes)
            for (const LexemeClassEdge& edge : state)
                if (known.insert(edge.bytes).second) refine(edge.bytes);
        for (const LexemeNode& node : program.nodes)
            if (node.kind == PREVIOUS_NODE && known.insert(node.bytes).second) refine(node.bytes);
        std::map<std::vector<bool>, uint8_t> numbers;
        for (int byte = 0; byte < 256; ++byte) {
            auto [found, is_new] = numbers.emplace(signatures[byte], static_cast<uint8_t>(members.size()));
            if (is_new) members.emplace_back();
            of[byte] = found->second;
            members[found->second].push_back(static_cast<uint8_t>(byte));
        }
    }
};

}  // namespace tokentrellis
