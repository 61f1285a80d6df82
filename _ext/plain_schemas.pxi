# Plain JSON Schemas, read without the front end: half of what a document meets of a schema is of this kind.
#
# In: a schema as the user wrote it (a dict that the front end has found well-formed) that says no more than a type, lengths, a
# list of strings, names and their schemas, items, or a reference to such a schema. Out: the edges and outlines that `unfold` and
# `value` of the front end give for it, by far less work (0.5 us for a value, not 8); anything else is still asked for there, so
# nothing is decided here that the front end does not know. The two are compared by tests/grammars/json_schema/test_outlines.py.
# What belongs to the layout or is the same in all grammars (terminals; what a scalar schema allows) is kept with the vocabulary.

# What stands before a value (`Layout.lead`).
cdef enum Place:
    ROOT, AFTER_COLON, FIRST, AFTER_COMMA

cdef Py_ssize_t _MOST_REMEMBERED = 4096
cdef int _MOST_REFERENCES = 100  # one after the other


cdef class Openings:
    """What begins in a place: the automata of a string, of a bracket, with what stands before them."""
    cdef int32_t string, object_bracket, array_bracket


cdef class Brackets:
    """What stands in brackets: the automata of the first key and of later ones, and of the closing brackets."""
    cdef ByPosition name, close_object, close_array


cdef class ScalarEdges:
    """What a scalar schema allows in a place, as edges to the end of the rule. `kept`: it is told by edges alone."""
    cdef vector[EdgeKind] kinds
    cdef vector[int32_t] starts, least, most
    cdef int32_t finish
    cdef int32_t value  # the number of the vocabulary for it
    cdef cbool kept


cdef class Inside:
    """An object or array that is to be outlined when its first state is reached, and then its values.

    schemas: by name. names: by label. additional: the schema of undeclared keys.
    """
    cdef dict schema
    cdef object context, schemas, additional
    cdef int depth
    cdef cbool is_object
    cdef object names


cdef class PlainSchemas:
    """The plain schemas of one grammar.

    parts: what the grammar knows of them (`grammars.grammar.SchemaParts`).
    """

    cdef Network* network
    cdef Lexicon lexicon
    cdef object parts
    cdef str layout
    cdef int step
    cdef cbool any_order
    cdef SchemaSight sight
    cdef dict rules    # of what has been read -> its state
    cdef dict bare     # by the name of a scalar type, of which alone a value after a key has to be -> its state
    cdef int draft     # in which these were read
    cdef dict insides  # by state
    cdef list alive    # what `rules` names by identity

    def __cinit__(self, Lexicon lexicon, parts):
        self.lexicon = lexicon
        self.parts = parts
        self.layout, self.step, self.any_order = parts.layout, parts.step, parts.any_order
        self.sight = SchemaSight(parts)
        self.rules, self.bare, self.insides, self.alive = {}, {}, {}, []
        self.draft = parts.root[1].draft

    cdef int begin(self, int32_t start) except -1:
        """Read the whole schema into the state at which the grammar starts; 0: it is not plain."""
        schema, context = self.parts.root
        if self.parts.trailing == 0:
            return self.read(schema, context, ROOT, 0, start) >= 0
        self.network.add_edge(start, CALL_EDGE, self.rule(schema, context, ROOT, 0), self.parts.trailing)
        self.finish(start, 0, 0)
        return 1

    cdef int add_members(self, int32_t state, names, members) except -1:
        """The members of an object that the front end has outlined. names: by label."""
        cdef Inside inside = Inside()
        inside.names = names
        inside.schemas, inside.context, inside.depth = members
        self.insides[state] = inside
        return 0

    cdef int32_t value(self, int32_t state, int32_t label) except -2:
        """The rule of the value of a key, in the object that begins at a state; -1: the front end has to say."""
        cdef Inside inside = self.insides.get(state)
        if inside is None:
            return -1
        schema = inside.additional if label < 0 else inside.schemas.get(inside.names[label])
        if schema is None:
            return -1
        cdef int32_t found = self.bare_value(schema, inside.context)
        return found if found >= 0 else self.rule(schema, inside.context, AFTER_COLON, inside.depth)

    cdef int32_t bare_value(self, object schema, object context) except -2:
        """The rule of a value of which only a type is asked, as of half of all, where it is known."""
        if type(schema) is not dict:
            return -1
        kind = (<dict>schema).get("type")
        if type(kind) is not str:
            return -1
        found = self.bare.get(kind)
        if found is None or context.draft != self.draft or self.sight.said(<dict>schema, context) != TYPE:
            return -1
        return found

    cdef int32_t rule(self, object schema, object context, int place, int depth) except -1:
        """The state of a value that meets a schema, with what stands before it."""
        cdef tuple key
        if schema is True:
            key = (True, place, depth)
        else:
            key = (id(schema), context.index, place, depth)
        found = self.rules.get(key)
        if found is not None:
            return found
        self.alive.append((schema, context))
        cdef int32_t state = self.read(schema, context, place, depth, -1)
        if state < 0:
            state = self.parts.rule(schema, context, place, depth)
        self.rules[key] = state
        return state

    cdef int32_t read(self, object schema, object context, int place, int depth, int32_t state) except -2:
        """Write what a schema allows as edges of a state, or of a new one (-1); which it is. -1: it is not plain."""
        for _ in range(_MOST_REFERENCES):
            if type(schema) is not dict or "$ref" not in <dict>schema:
                break
            if not self.sight.only_refers(<dict>schema, context):
                return -1
            schema, context = context.resolve(schema["$ref"])
        cdef int kind = self.sight.kind_of(schema, context)
        if kind == SCALAR_VALUE:
            return self.read_scalar(<dict>schema, context, place, depth, state)
        if kind == LISTED_STRINGS:
            return self.read_listed(<dict>schema, place, depth, state)
        if kind == ANY_VALUE:
            return self.read_any(context, place, depth, state)
        if kind == OTHER_SCHEMA:
            return -1
        state = self.new_state(state)
        self.open(<dict>schema, context, place, depth, state, kind == PLAIN_OBJECT)
        self.finish(state, 0, 0)
        return state

    cdef int32_t new_state(self, int32_t state) except -1:
        return self.network.make_state() if state < 0 else state

    cdef int finish(self, int32_t state, int32_t edge, int32_t label) except -1:
        """All edges of a state are there; on a short way out goes this one."""
        self.network.finish_state(state, False, edge, label, <ItemRule>0, 0, False)
        return 0

    # Scalars.

    cdef int32_t read_scalar(self, dict schema, object context, int place, int depth, int32_t state) except -2:
        cdef dict known = self.sight.words_of(context)
        cdef list said = [self.layout, context.draft, place, depth if self.step else 0]
        kind = schema["type"]
        cdef cbool is_bare = type(kind) is str and self.sight.said(schema, context) == TYPE
        if is_bare:
            said.append(kind)
        else:
            for word, value in schema.items():
                if word in known and word != "$id" and word != "id":
                    said += (word, type(value), tuple(value) if type(value) is list else value)
        cdef tuple key = tuple(said)
        if state < 0 and (found := self.rules.get(key)) is not None:
            return found
        cdef ScalarEdges edges = self.shared_edges(key, schema, context, place, depth)
        if not edges.kept:
            return -1
        cdef cbool is_new = state < 0
        state = self.new_state(state)
        self.add_scalars(state, edges)
        self.finish(state, edges.finish, 0)
        if is_new:
            self.rules[key] = state
            if place == AFTER_COLON and not self.step and context.draft == self.draft and is_bare:
                self.bare[kind] = state
        return state

    cdef int32_t read_any(self, object context, int place, int depth, int32_t state) except -1:
        """Any value: scalars, of which one is the shortest, an object, an array."""
        cdef tuple key = (self.layout, context.draft, place, depth if self.step else 0, True)
        cdef ScalarEdges edges = self.shared_edges(key, True, context, place, depth)
        state = self.new_state(state)
        self.add_scalars(state, edges)
        self.open({}, context, place, depth, state, True)
        self.open({}, context, place, depth, state, False)
        self.finish(state, edges.finish, 0)
        return state

    cdef int add_scalars(self, int32_t state, ScalarEdges edges) except -1:
        cdef Edge* made
        cdef size_t i
        for i in range(edges.kinds.size()):
            made = &self.network.add_edge(state, edges.kinds[i], edges.starts[i], 0)
            made.least, made.most = edges.least[i], edges.most[i]
        self.network.set_value(state, edges.value)
        return 0

    cdef ScalarEdges shared_edges(self, tuple key, object schema, object context, int place, int depth):
        """`scalar_edges`, kept for all grammars of the vocabulary. key: all that they hang on; what an object said when it was
        met before does not count, as its owner may have changed it."""
        cdef ScalarEdges edges = self.lexicon.scalars.get(key)
        if edges is None:
            edges = self.scalar_edges(schema, context, place, depth)
            if len(self.lexicon.scalars) >= _MOST_REMEMBERED:
                self.lexicon.scalars.clear()
            self.lexicon.scalars[key] = edges
        return edges

    cdef ScalarEdges scalar_edges(self, object schema, object context, int place, int depth):
        """What the front end says; a schema that only lists of words, or nothing, meets is left to it."""
        cdef ScalarEdges made = ScalarEdges()
        made.value = self.lexicon.lexicon.get().new_value()
        expansion = self.parts.expansion(schema, context, place, depth)
        made.finish = expansion.finish
        made.kept = len(expansion.edges) > 0 and expansion.finish_label == 0
        for edge in expansion.edges:
            if edge.next != 0:
                continue  # into an object or array
            if len(edge) == 2:
                made.kinds.push_back(TERMINAL_EDGE)
                made.starts.push_back(self.lexicon.terminal_start(edge[0]))
                made.least.push_back(0)
                made.most.push_back(-1)
            elif hasattr(edge, "least"):
                terminal = edge[0]
                made.kinds.push_back(STRING_EDGE)
                made.starts.push_back(self.lexicon.string_start(terminal[0], terminal[1], terminal[2]))
                made.least.push_back(min(edge.least, 0x7FFFFFF0))
                made.most.push_back(min(edge.most, 0x7FFFFFF0))
            else:
                made.kept = False
        return made

    cdef int32_t read_listed(self, dict schema, int place, int depth, int32_t state) except -1:
        cdef list texts = sorted(set(schema["enum"]))
        cdef vector[string] literals
        cdef int32_t shortest = 0
        cdef size_t i
        for text in texts:
            literals.push_back(<string>(<str>text).encode())
        for i in range(literals.size()):
            if literals[i].size() < literals[shortest].size():
                shortest = <int32_t>i
        cdef size_t n = literals.size()
        state = self.new_state(state)
        cdef int32_t table = self.network.add_table(move(literals))
        cdef Edge* made = &self.network.add_edge(state, LITERALS_EDGE, self.openings(place, depth).string, 0)
        made.table = table
        set_all(made.legal.words, n)
        self.finish(state, 0, shortest)
        return state

    # Objects and arrays.

    cdef int open(self, dict schema, object context, int place, int depth, int32_t state, cbool is_object) except -1:
        """The opening bracket; what is inside is outlined when it is reached."""
        cdef Openings openings = self.openings(place, depth)
        cdef Inside inside = Inside()
        inside.schema, inside.context, inside.depth, inside.is_object = schema, context, depth + self.step, is_object
        cdef int32_t within = self.network.make_state()
        self.insides[within] = inside
        self.network.add_edge(state, TERMINAL_EDGE, openings.object_bracket if is_object else openings.array_bracket, within)
        return 0

    cdef int outline(self, int32_t state) except -1:
        """Outline the object or array that begins at a state."""
        cdef Inside inside = self.insides[state]
        return self.outline_object(state, inside) if inside.is_object else self.outline_array(state, inside)

    cdef int outline_object(self, int32_t state, Inside inside) except -1:
        cdef ObjectOutline made
        cdef Brackets brackets = self.brackets(inside.depth)
        cdef dict members = inside.schema.get("properties") or {}
        cdef list names = sorted(members)
        cdef dict labels = {}
        cdef vector[string] literals
        cdef size_t label
        additional = inside.schema.get("additionalProperties", True)
        for name in names:
            labels[name] = literals.size()
            literals.push_back(<string>(<str>name).encode())
        made.usable.words.resize((literals.size() + 63) // 64, 0)
        required = inside.schema.get("required")
        if required:
            required = set(required)
        for name, member in members.items():
            label = labels[name]
            made.order.push_back(<int32_t>label)
            if required and name in required:
                made.required.push_back(<int32_t>label)
            elif not self.sight.is_met(member, inside.context):
                continue
            made.usable.words[label >> 6] |= (<uint64_t>1) << (label & 63)
        made.name = brackets.name
        made.close = brackets.close_object
        if additional is True or (additional is not False and self.sight.is_met(additional, inside.context)):
            made.other = brackets.name
        made.any_order = self.any_order
        made.n_before = self.parts.n_before
        cdef cbool excludes = literals.size() > 0
        made.table = self.network.add_table(move(literals))
        made.excluded = made.table if excludes else -1
        inside.schemas, inside.names, inside.additional = members, names, additional
        self.network.add_object(state, move(made))
        return 0

    cdef int outline_array(self, int32_t state, Inside inside) except -1:
        cdef ArrayOutline made
        cdef dict schema = inside.schema
        items = schema.get("items", True)
        made.least = schema.get("minItems", 0)
        made.most = schema.get("maxItems", -1)
        made.top = max(1, made.least if made.most < 0 else made.most)
        made.close = self.brackets(inside.depth).close_array
        if items is True or self.sight.is_met(items, inside.context):
            made.items.push_back(self.rule(items, inside.context, FIRST, inside.depth))
            made.items.push_back(self.rule(items, inside.context, AFTER_COMMA, inside.depth))
        else:
            made.items.push_back(-1)
        self.network.add_array(state, move(made))
        return 0

    # What belongs to the layout.

    cdef Openings openings(self, int place, int depth):
        cdef tuple key = (self.layout, place, depth if self.step else 0)
        cdef Openings found = self.lexicon.layouts.get(key)
        if found is None:
            found = Openings()
            lead, object_bracket, array_bracket = self.parts.openings(place, depth)
            found.string = self.lexicon.string_start(lead, self.lexicon.any_text, ())
            found.object_bracket = self.lexicon.terminal_start(object_bracket)
            found.array_bracket = self.lexicon.terminal_start(array_bracket)
            self.lexicon.layouts[key] = found
        return found

    cdef Brackets brackets(self, int depth):
        cdef tuple key = (self.layout, depth if self.step else 0)
        cdef Brackets found = self.lexicon.layouts.get(key)
        if found is None:
            found = Brackets()
            first, later, empty_object, object_bracket, empty_array, array_bracket = self.parts.brackets(depth)
            found.name.first = self.lexicon.string_start(first, self.lexicon.any_text, ())
            found.name.later = self.lexicon.string_start(later, self.lexicon.any_text, ())
            found.close_object.first = self.lexicon.terminal_start(empty_object)
            found.close_object.later = self.lexicon.terminal_start(object_bracket)
            found.close_array.first = self.lexicon.terminal_start(empty_array)
            found.close_array.later = self.lexicon.terminal_start(array_bracket)
            self.lexicon.layouts[key] = found
        return found


cdef int set_all(vector[uint64_t]& words, size_t n) except -1:
    """A bit set of all n labels."""
    words.resize(0)
    words.resize((n + 63) // 64, <uint64_t>-1)
    if n & 63:
        words[n >> 6] = ((<uint64_t>1) << (n & 63)) - 1
    return 0
