# From the lists of `grammars/parse_tables.py` to those of parse_tables.hpp; included in core.pyx as text.

cdef LexemeProgram to_program(object lexemes) except *:
    cdef LexemeProgram program
    cdef LexemeNode node
    cdef LexemeClassEdge edge
    cdef vector[LexemeClassEdge] edges
    cdef LexemeLexer lexer
    for kind, first, following, targets, members in lexemes.nodes:
        node.kind = <LexemeKind><int>kind
        node.first, node.next = first, following
        node.targets = targets
        node.bytes = to_byte_set(members)
        program.nodes.push_back(node)
    for state in lexemes.classes:
        edges.clear()
        for members, after in state:
            edge.bytes = to_byte_set(members)
            edge.to = after
            edges.push_back(edge)
        program.classes.push_back(edges)
    for starts, words in lexemes.lexers:
        lexer.starts, lexer.words = starts, words
        program.lexers.push_back(lexer)
    for words in lexemes.words_of:
        program.words_of.push_back(words)
    return program


cdef ParseTables to_tables(object given) except *:
    cdef ParseTables tables
    cdef ParseRule rule
    cdef ParseItem item
    cdef vector[ParseItem] items
    tables.n_states, tables.n_terminals, tables.n_origins = given.n_states, given.n_terminals, given.n_origins
    tables.start, tables.accepting, tables.end = given.start, given.accepting, given.end
    tables.has_conflicts = given.has_conflicts
    tables.actions, tables.gotos, tables.lexers = given.actions, given.gotos, given.state_lexers
    tables.skipped, tables.special_tokens = given.skipped, given.special_tokens
    tables.costs, tables.firsts, tables.texts = given.costs, given.firsts, given.texts
    for origin, length in given.rules:
        rule.origin, rule.length = origin, length
        tables.rules.push_back(rule)
    for state in given.items:
        items.clear()
        for number, n_read, rest in state:
            item.rule, item.n_read = number, n_read
            item.rest = rest
            items.push_back(item)
        tables.items.push_back(items)
    return tables
