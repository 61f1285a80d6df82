# The survey of plain schemas: that their keywords are well-formed, before a grammar is made.
#
# In: what the front end's `Survey` has still to visit. Out: the same without the schemas on top of it that are plain, what
# stands in them put there instead; the first that is not plain is left on top, untouched. Plain is what has nothing to report
# and needs no closer look; all else, errors first of all, is the front end's. A scalar member is judged where it stands, without
# a visit. Cost: some 50 ns for each keyword, a twentieth of what the front end takes. The two are compared by
# tests/grammars/json_schema/test_survey.py.

# What is checked of the value of a keyword.
cdef enum Checked:
    A_TYPE, STRINGS, COUNT, A_NUMBER, SCHEMA_BY_NAME, SCHEMAS, A_SCHEMA, LISTED, FALSE_ONLY, A_CONSTANT, A_FORMAT, A_REFERENCE, IDENTIFIER, NOT_PLAIN

cdef dict _CHECKED = {
    "type": A_TYPE, "required": STRINGS, "minLength": COUNT, "maxLength": COUNT, "minItems": COUNT, "maxItems": COUNT,
    "minProperties": COUNT, "maxProperties": COUNT, "minimum": A_NUMBER, "maximum": A_NUMBER, "properties": SCHEMA_BY_NAME,
    "dependentSchemas": SCHEMA_BY_NAME, "allOf": SCHEMAS, "anyOf": SCHEMAS, "oneOf": SCHEMAS, "prefixItems": SCHEMAS,
    "items": A_SCHEMA, "additionalProperties": A_SCHEMA, "propertyNames": A_SCHEMA, "not": A_SCHEMA, "if": A_SCHEMA,
    "then": A_SCHEMA, "else": A_SCHEMA, "enum": LISTED, "const": A_CONSTANT, "uniqueItems": FALSE_ONLY, "format": A_FORMAT,
    "$ref": A_REFERENCE,
}
cdef dict _checked_words = {}  # by draft: keyword -> Checked


cdef dict checked_words(int draft, words):
    """What is checked of the keywords of a draft; others are annotations there."""
    found = _checked_words.get(draft)
    if found is None:
        found = {word: _CHECKED.get(word, NOT_PLAIN) for word in words}
        found["id" if draft == 4 else "$id"] = IDENTIFIER
        _checked_words[draft] = found
    return found


cdef class PlainSurvey:
    """Passes over plain schemas for one `Survey`.

    waiting: (schema, context, place) of what is to be visited, the next one last. seen: (identity, index of the context) of
    what has been. plans: by index of a context, how keywords are checked in it. standard: by draft, how they are where all have
    their usual meaning. root: the context of the document. types: the names of types. formats: those with nothing to report.
    """

    cdef list waiting
    cdef set seen
    cdef dict plans, standard
    cdef frozenset types, formats
    cdef dict words  # of the context of the last visit
    cdef object root, context, index
    cdef int draft

    def __init__(self, list waiting, set seen, dict plans, dict standard, root, frozenset types, frozenset formats):
        self.waiting, self.seen, self.plans, self.standard = waiting, seen, plans, standard
        self.root, self.types, self.formats = root, types, formats

    def __call__(self):
        """Pass over plain schemas as long as there is one on top."""
        cdef tuple item
        while self.waiting:
            item = self.waiting[len(self.waiting) - 1]
            if not self.visit(item[0], item[1], item[2]):
                return

    cdef cbool visit(self, object schema, object context, object pointer) except *:
        """Whether a schema is plain. Then it is taken off, and what stands in it is put on."""
        if schema is True or schema is False:
            self.waiting.pop()
            return True
        if type(schema) is not dict or not self.enter(context):
            return False
        cdef tuple key = (id(schema), self.index)
        if key in self.seen:
            if "allOf" in <dict>schema:
                return False
            self.waiting.pop()
            return True
        cdef list inside = []
        if self.draft <= 7 and "$ref" in <dict>schema:  # it hides its siblings
            if not self.follow(schema["$ref"], context, pointer, inside):
                return False
        elif not self.check(<dict>schema, context, pointer, inside):
            return False
        self.seen.add(key)
        self.waiting.pop()
        self.waiting += inside
        return True

    cdef cbool enter(self, object context) except *:
        """Whether all keywords have their usual meaning in a context."""
        if context is self.context:
            return True
        index, draft = context.index, context.draft
        plans = self.plans.get(index)
        if plans is None or plans is not self.standard[draft]:
            return False
        self.context, self.index, self.draft, self.words = context, index, draft, checked_words(draft, plans)
        return True

    cdef cbool follow(self, object reference, object context, object pointer, list inside) except *:
        """Whether a reference leads to a schema, and no further at once. inside: the schema, if it has not been seen."""
        cdef tuple found
        if type(reference) is not str or inside is None:
            return False
        if reference in <dict>context.resolved:
            found = (<dict>context.resolved)[reference]
        else:
            try:
                found = context.resolve(reference)
            except Exception:
                return False  # where it stands, the front end says
        schema, target = found
        if type(schema) is not dict or "$ref" in <dict>schema or "allOf" in <dict>schema:
            return False
        if (id(schema), target.index) in self.seen:
            return True
        pointer = (pointer, "$ref")
        if target is self.root and (reference == "#" or reference.startswith("#/")):
            if "%" in reference:
                return False
            pointer = ()
            for token in (<str>reference).split("/")[1:]:
                pointer = (pointer, token.replace("~1", "/").replace("~0", "~") if "~" in token else token)
        inside.append((schema, target, pointer))
        return True

    cdef cbool check(self, dict schema, object context, object pointer, list inside) except *:
        """Whether the keywords of a schema are plain. inside: the schemas in it that are to be visited; null: there must be
        none."""
        for word, value in schema.items():
            checked = self.words.get(word)
            if checked is None:
                if type(word) is not str:
                    return False
            elif not self.is_plain(<int>checked, word, value, schema, context, pointer, inside):
                return False
        return True

    cdef cbool is_plain(self, int checked, object word, object value, dict schema, object context, object pointer, list inside) except *:
        if checked == A_TYPE:
            return value in self.types if type(value) is str else type(value) is list and len(value) > 0 and self.are_types(<list>value)
        if checked == STRINGS or checked == LISTED:
            return type(value) is list and are_strings(<list>value)
        if checked == COUNT:
            return type(value) is int and is_small(value) and value >= 0
        if checked == A_NUMBER:
            return is_small(value) if type(value) is int else type(value) is float and -1e300 < <double>value < 1e300
        if checked == FALSE_ONLY:
            return value is False
        if checked == A_CONSTANT:
            return type(value) is str or type(value) is bool
        if checked == A_FORMAT:
            return type(value) is str and value in self.formats and "enum" not in schema and "const" not in schema
        if checked == IDENTIFIER:
            return schema is context.document  # that of the whole document changes nothing
        if checked == NOT_PLAIN or inside is None:
            return False
        if checked == A_REFERENCE:
            return self.follow(value, context, pointer, inside)
        if checked == A_SCHEMA:
            return self.look_in(value, context, (pointer, word), inside)
        if checked == SCHEMA_BY_NAME:
            if type(value) is not dict:
                return False
            pointer = (pointer, word)
            for name, member in (<dict>value).items():
                if type(name) is not str or not self.look_in(member, context, (pointer, name), inside):
                    return False
            return True
        if type(value) is not list or not value:
            return False
        pointer, place = (pointer, word), 0
        for member in <list>value:
            if not self.look_in(member, context, (pointer, place), inside):
                return False
            place += 1
        return True

    cdef cbool look_in(self, object member, object context, tuple pointer, list inside) except *:
        """Take note of a schema within another one, if it is more than scalar keywords; False: it is none."""
        if member is True or member is False:
            return True
        if type(member) is not dict:
            return False
        if not self.check(<dict>member, context, None, None):
            inside.append((member, context, pointer))
        return True

    cdef cbool are_types(self, list names) except *:
        for name in names:
            if type(name) is not str or name not in self.types:
                return False
        return True


cdef cbool are_strings(list values) except *:
    for value in values:
        if type(value) is not str:
            return False
    return True


cdef cbool is_small(object number) except *:
    """Whether an integer needs no look at its size."""
    cdef int overflow = 0
    PyLong_AsLongLongAndOverflow(number, &overflow)
    return overflow == 0
