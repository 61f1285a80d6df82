# What a plain JSON Schema says, told at sight.
#
# In: a schema as the user wrote it, in its context (draft, document). Out: its keywords as bits, what kind of plain schema it is, if
# it is one, and whether some value meets it; where that is not plain the front end is asked. Cost: a look-up for each keyword.
# `at_sight.py` of the front end says the same of more schemas; here is what is asked for most.

cdef enum SchemaKind:
    OTHER_SCHEMA, ANY_VALUE, SCALAR_VALUE, LISTED_STRINGS, PLAIN_ARRAY, PLAIN_OBJECT

# Keywords by what they say, as bits.
cdef enum Word:
    TYPE = 1, PROPERTIES = 2, REQUIRED = 4, ADDITIONAL = 8, ITEMS = 16, LEAST_ITEMS = 32, MOST_ITEMS = 64, ENUM = 128
    LEAST_LENGTH = 256, MOST_LENGTH = 512, FORMAT = 1024, LEAST = 2048, MOST = 4096, SCALAR_WORD = 8192, ANY_OF = 16384
    OTHER_WORD = 32768

cdef dict _WORDS = {
    "type": TYPE, "properties": PROPERTIES, "required": REQUIRED, "additionalProperties": ADDITIONAL, "items": ITEMS,
    "minItems": LEAST_ITEMS, "maxItems": MOST_ITEMS, "enum": ENUM, "minLength": LEAST_LENGTH, "maxLength": MOST_LENGTH,
    "format": FORMAT, "minimum": LEAST, "maximum": MOST, "pattern": SCALAR_WORD, "multipleOf": SCALAR_WORD,
    "exclusiveMinimum": SCALAR_WORD, "exclusiveMaximum": SCALAR_WORD, "anyOf": ANY_OF,
}
cdef frozenset _SCALARS = frozenset(("string", "number", "integer", "boolean", "null"))
cdef dict _words_by_draft = {}  # keyword -> bit
cdef int _SCALAR_WORDS = TYPE | LEAST_LENGTH | MOST_LENGTH | FORMAT | LEAST | MOST | SCALAR_WORD
cdef int _ARRAY_WORDS = TYPE | ITEMS | LEAST_ITEMS | MOST_ITEMS
cdef int _OBJECT_WORDS = TYPE | PROPERTIES | REQUIRED | ADDITIONAL
cdef int _DEEPEST = 3            # levels of required members, references and items that are looked at
cdef int64_t _MOST_COUNTED = 1 << 20


cdef class SchemaSight:
    """What one grammar's schemas say.

    parts: what the grammar knows of them (`grammars.grammar.SchemaParts`).
    """

    cdef object parts
    cdef object last_context
    cdef dict last_words

    def __cinit__(self, parts):
        self.parts = parts

    cdef cbool only_refers(self, dict schema, object context) except *:
        """Whether nothing counts beside `$ref`."""
        if "$id" in schema or "id" in schema or type(schema["$ref"]) is not str:
            return False
        if context.draft <= 7:
            return True
        known = self.words_of(context)
        for word in schema:
            if word in known and word != "$ref":
                return False
        return True

    cdef dict words_of(self, object context):
        """The keywords of a draft."""
        if context is self.last_context:
            return self.last_words
        found = _words_by_draft.get(context.draft)
        if found is None:
            found = {word: _WORDS.get(word, OTHER_WORD) for word in self.parts.keywords[context.draft]}
            found["id" if context.draft == 4 else "$id"] = OTHER_WORD
            _words_by_draft[context.draft] = found
        self.last_context, self.last_words = context, found
        return found

    cdef int said(self, dict schema, object context) except -1:
        """The keywords of a schema as bits."""
        cdef dict known = self.words_of(context)
        cdef int words = 0
        for word in schema:
            bit = known.get(word)
            if bit is not None:
                words |= <int>bit
        if words & OTHER_WORD and ("$id" in schema or "id" in schema) and schema is context.document:
            words = 0  # the identifier of the whole document changes nothing
            for word in schema:
                bit = known.get(word)
                if bit is not None and word != "$id" and word != "id":
                    words |= <int>bit
        return words

    cdef int kind_of(self, object schema, object context) except -1:
        """What a schema is, without references."""
        if schema is True:
            return ANY_VALUE
        if type(schema) is not dict:
            return OTHER_SCHEMA
        cdef int said = self.said(<dict>schema, context)
        if said == 0:
            return ANY_VALUE
        if said & (OTHER_WORD | ANY_OF):
            return OTHER_SCHEMA
        if said & ENUM:
            return LISTED_STRINGS if self.lists_strings(<dict>schema, said) else OTHER_SCHEMA
        kind = (<dict>schema).get("type")
        if type(kind) is list:
            for name in kind:
                if name not in _SCALARS:
                    return OTHER_SCHEMA
            return SCALAR_VALUE if said & ~_SCALAR_WORDS == 0 else OTHER_SCHEMA
        if type(kind) is not str:
            return OTHER_SCHEMA
        if kind in _SCALARS:
            return SCALAR_VALUE if said & ~_SCALAR_WORDS == 0 else OTHER_SCHEMA
        if kind == "object":
            return PLAIN_OBJECT if self.is_object(<dict>schema, context, said) else OTHER_SCHEMA
        return PLAIN_ARRAY if self.is_array(<dict>schema, context, said) else OTHER_SCHEMA

    cdef cbool lists_strings(self, dict schema, int said) except *:
        """Whether a schema that lists values lists strings, and says nothing else."""
        if said & ~(TYPE | ENUM) or (said & TYPE and schema["type"] != "string"):
            return False
        listed = schema["enum"]
        if type(listed) is not list or not listed:
            return False
        for text in listed:
            if type(text) is not str or not (<str>text).isascii():
                return False
        return True

    cdef cbool is_array(self, dict schema, object context, int said) except *:
        """Whether it is plain, and met by some array."""
        if said & ~_ARRAY_WORDS:
            return False
        cdef int64_t least = 0, most = -1
        if said & LEAST_ITEMS and (least := self.count(schema["minItems"])) < 0:
            return False
        if said & MOST_ITEMS and (most := self.count(schema["maxItems"])) < 0:
            return False
        if most >= 0 and most < least:
            return False
        items = schema.get("items", True)
        if items is not True and type(items) is not dict:
            return False
        return least == 0 or self.is_met(items, context)

    cdef int64_t count(self, object value) except -2:
        """A number of things as written; -1: it is written otherwise, or too large for what is counted here."""
        return value if type(value) is int and 0 <= value < _MOST_COUNTED else -1

    cdef cbool is_object(self, dict schema, object context, int said) except *:
        """Whether it is plain, and met by some object."""
        if said & ~_OBJECT_WORDS:
            return False
        members = schema.get("properties")
        if members is not None:
            if type(members) is not dict:
                return False
            for name in <dict>members:
                if type(name) is not str or not (<str>name).isascii():
                    return False
        if not said & REQUIRED:
            return True
        required = schema["required"]
        if type(required) is not list or (members is None and required):
            return False
        for name in required:
            if type(name) is not str or name not in <dict>members or not self.is_met((<dict>members)[name], context):
                return False
        return True

    # Whether something meets a schema.

    cdef cbool is_met(self, object schema, object context) except *:
        return self.is_surely_met(schema, context, _DEEPEST) or self.parts.exists(schema, context)

    cdef cbool is_surely_met(self, object schema, object context, int depth) except *:
        """Whether it is plain that some value meets a schema; False says nothing."""
        if schema is True:
            return True
        if type(schema) is not dict:
            return False
        if "$ref" in schema:
            if not depth or not self.only_refers(<dict>schema, context):
                return False
            schema, context = context.resolve(schema["$ref"])
            return self.is_surely_met(schema, context, depth - 1)
        cdef int said = self.said(<dict>schema, context)
        cdef int beside = said & ~TYPE
        if said == 0:
            return True
        if said & OTHER_WORD:
            return False
        if said & ENUM:
            return self.lists_strings(<dict>schema, said)
        if said & ANY_OF:
            return said == ANY_OF and depth > 0 and self.some_surely_met(schema["anyOf"], context, depth - 1)
        kind = (<dict>schema).get("type")
        if type(kind) is list:
            return beside == 0 or "null" in <list>kind or "boolean" in <list>kind  # of these nothing else is asked
        if type(kind) is not str:
            return said == TYPE
        if beside == 0:
            return True
        if kind == "string":
            if beside == LEAST_LENGTH | MOST_LENGTH:
                return self.are_in_order(schema["minLength"], schema["maxLength"])
            return beside == LEAST_LENGTH or beside == MOST_LENGTH or beside == FORMAT
        if kind == "number" or kind == "integer":
            if beside == LEAST | MOST:
                return self.are_in_order(schema["minimum"], schema["maximum"])
            return beside == LEAST or beside == MOST
        if kind == "object":
            return beside & ~(PROPERTIES | ADDITIONAL) == 0 or (depth > 0 and self.has_met_members(<dict>schema, context, said, depth))
        if kind == "array":
            if beside & ~(ITEMS | MOST_ITEMS) == 0:
                return True
            if beside & ~(ITEMS | LEAST_ITEMS) or not depth:
                return False
            return self.is_surely_met((<dict>schema).get("items", True), context, depth - 1)
        return kind == "null" or kind == "boolean"

    cdef cbool are_in_order(self, least, most) except *:
        """Whether two bounds are integers, the first one not above the second."""
        return type(least) is int and type(most) is int and least <= most

    cdef cbool some_surely_met(self, branches, object context, int depth) except *:
        for branch in branches:
            if self.is_surely_met(branch, context, depth):
                return True
        return False

    cdef cbool has_met_members(self, dict schema, object context, int said, int depth) except *:
        if said & ~_OBJECT_WORDS or not said & PROPERTIES or type(schema["required"]) is not list:
            return False
        members = schema["properties"]
        for name in schema["required"]:
            if type(name) is not str or not (<str>name).isascii() or type(members) is not dict or name not in <dict>members:
                return False
            if not self.is_surely_met((<dict>members)[name], context, depth - 1):
                return False
        return True
