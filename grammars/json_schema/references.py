"""Where a reference leads: `$ref`, `$id`, `$anchor`, JSON Pointers, other documents.

In comes a reference and the context that it stands in, out come the schema that it means and that schema's
context. A *context* is what a schema inherits from where it stands: the base URI, the draft and the document.
Contexts are interned, so that a node is known by the identity of its schema and the index of its context.

Two ways. A JSON Pointer within a document (`#/$defs/x`) is walked here, at a microsecond a step. Everything
else, and each walk that enters a schema with an identifier of its own, is asked of the `referencing` library,
which costs a traversal of the documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from referencing import Registry, Resource, Specification
from referencing.exceptions import CannotDetermineSpecification, Unresolvable
from referencing.jsonschema import (
    DRAFT4,
    DRAFT6,
    DRAFT7,
    DRAFT201909,
    DRAFT202012,
)

from ..errors import GrammarSyntaxError, UnresolvedReferenceError, UnsupportedFeatureError
from .json_data import check_searchable
from .keywords import DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019, DRAFT_2020, DRAFTS
from .vocabularies import STANDARD, Dialect, dialect_of

SPECIFICATIONS: dict[int, Specification[Any]] = {
    DRAFT_4: DRAFT4,
    DRAFT_6: DRAFT6,
    DRAFT_7: DRAFT7,
    DRAFT_2019: DRAFT201909,
    DRAFT_2020: DRAFT202012,
}


def draft_of(schema: object, inherited: int) -> int:
    """The draft that a document states in `$schema`; `inherited` where it states none or one that is not
    known."""
    stated = schema.get("$schema") if isinstance(schema, Mapping) else None
    if stated is None:
        return inherited
    if not isinstance(stated, str):
        raise GrammarSyntaxError("must be a string", location="/$schema", got=stated)
    uri = stated.rstrip("#").replace("http://json-schema.org/draft/20", "https://json-schema.org/draft/20")
    if uri in ("http://json-schema.org/draft-03/schema", "http://json-schema.org/draft-02/schema"):
        raise UnsupportedFeatureError(
            "this draft of JSON Schema", location="/$schema", got=stated, advice="drafts 4 to 2020-12 are"
        )
    return DRAFTS.get(uri, DRAFTS.get(uri.replace("https://", "http://"), inherited))


class Context:
    """What a schema inherits from where it stands.

    index: small, unique in its `References`. resolved: what the references met so far mean.
    """

    __slots__ = ("base", "document", "draft", "index", "references", "resolved", "resolver", "scope")

    def __init__(
        self,
        references: References,
        index: int,
        base: str,
        draft: int,
        document: Any,
        resolver: Any,
        scope: tuple[str, ...],
    ) -> None:
        self.references = references
        self.index = index
        self.base = base
        self.draft = draft
        self.document = document
        self.resolver = resolver
        self.scope = scope
        self.resolved: dict[str, tuple[Any, Context]] = {}

    def enter(self, schema: Mapping[str, Any]) -> Context:
        """The context of the sub-schemas of `schema`, which stands in this context."""
        identifier = schema.get("id" if self.draft == DRAFT_4 else "$id")
        if identifier is None or schema is self.document or not isinstance(identifier, str):
            return self
        if identifier.startswith("#") or ("$ref" in schema and self.draft <= DRAFT_7):
            return self
        return self.references.enter(self, schema)

    def resolve(self, reference: str) -> tuple[Any, Context]:
        """The schema that a reference means, and its context. Raises UnresolvedReferenceError."""
        known = self.resolved.get(reference)
        if known is None:
            known = self._walk(reference) or self.references.look_up(self, reference)
            self.resolved[reference] = known
        return known

    def resolve_dynamically(self, reference: str, word: str) -> tuple[Any, Context]:
        """The same for `$dynamicRef` and `$recursiveRef`: the outermost resource of the dynamic scope that
        has the anchor decides, if the reference leads to such an anchor at all."""
        schema, context = self.resolve(reference)
        if not isinstance(schema, Mapping):
            return schema, context
        if word == "$recursiveRef":
            anchor = ""
            if schema.get("$recursiveAnchor") is not True:
                return schema, context
        else:
            anchor = reference.partition("#")[2]
            if not anchor or schema.get("$dynamicAnchor") != anchor:
                return schema, context
        for base in self.scope:
            found = self.references.anchored(self, base, anchor)
            if found is not None:
                return found
        return schema, context

    def _walk(self, reference: str) -> tuple[Any, Context] | None:
        """A JSON Pointer from the root of the document; None if that is not what it is, or not as simple as
        that."""
        if reference == "#":
            return self.document, self
        if not reference.startswith("#/"):
            return None
        place = self.document
        for token in unquote(reference[2:]).split("/"):
            token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(place, Mapping):
                if place is not self.document and isinstance(place.get("$id", place.get("id")), str):
                    return None
                if token not in place:
                    return None
                place = place[token]
            elif isinstance(place, list) and token.isdecimal() and int(token) < len(place):
                place = place[int(token)]
            else:
                return None
        if isinstance(place, Mapping) and isinstance(place.get("$id", place.get("id")), str):
            return None
        return place, self


class References:
    """The documents of one grammar.

    registry: other documents that may be referred to: a mapping of URI to schema, or a
    `referencing.Registry`.
    """

    def __init__(
        self,
        schema: Any,
        base_uri: str = "",
        registry: Mapping[str, Any] | Registry[Any] | None = None,
        draft: int = DRAFT_2020,
    ) -> None:
        self._given = registry
        self._contexts: dict[tuple[str, int, int, tuple[str, ...]], Context] = {}
        self._owners: dict[str, bool] = {}
        self._registry: Registry[Any] | None = None
        self._crawled: dict[int, tuple[Registry[Any], Registry[Any]]] = {}
        self._dialects: dict[str, Dialect] = {}
        draft = draft_of(schema, draft)
        identifier = schema.get("id" if draft == DRAFT_4 else "$id") if isinstance(schema, Mapping) else None
        self._base = identifier if isinstance(identifier, str) and not base_uri else base_uri
        self.root = self._context(self._base, draft, schema, None, (self._base,))

    def _context(
        self, base: str, draft: int, document: Any, resolver: Any, scope: tuple[str, ...]
    ) -> Context:
        key = (base, draft, id(document), scope)
        known = self._contexts.get(key)
        if known is None:
            known = Context(self, len(self._contexts), base, draft, document, resolver, scope)
            self._contexts[key] = known
        return known

    def _resolver(self, context: Context) -> Any:
        """The resolver of a context; that of the root is made when it is first needed."""
        if context.resolver is None:
            resource = SPECIFICATIONS[context.draft].create_resource(context.document)
            registry = self._prepared().with_resource(self._base, resource)
            context.resolver = (
                registry.resolver_with_root(resource) if not self._base else registry.resolver(self._base)
            )
        return context.resolver

    def _prepared(self) -> Registry[Any]:
        """The documents given beside the root. What cannot be searched to an end is refused."""
        if self._registry is None:
            check_searchable(self.root.document)
            if isinstance(self._given, Registry):
                self._registry = self._given
            else:
                for schema in (self._given or {}).values():
                    check_searchable(schema)
                default = SPECIFICATIONS[self.root.draft]
                self._registry = Registry().with_resources(
                    (uri, _resource(schema, default)) for uri, schema in (self._given or {}).items()
                )
        return self._registry

    def dialect(self, context: Context) -> Dialect:
        """The dialect that the document of a context, or else the root, states in `$schema`. What is not in
        the registry is taken for a standard one."""
        stated = None
        for document in (context.document, self.root.document):
            stated = document.get("$schema") if stated is None and isinstance(document, Mapping) else stated
        if not isinstance(stated, str) or stated.rstrip("#") in DRAFTS or self._given is None:
            return STANDARD
        known = self._dialects.get(stated)
        if known is None:
            documents = self._prepared()
            try:
                meta_schema = documents.resolver().lookup(stated).contents
            except (Unresolvable, ValueError, AttributeError, TypeError):
                meta_schema = None
            known = self._dialects[stated] = dialect_of(meta_schema)
        return known

    def enter(self, context: Context, schema: Mapping[str, Any]) -> Context:
        """The context inside a schema with an identifier of its own."""
        self._prepared()
        draft = draft_of(schema, context.draft)
        resource = SPECIFICATIONS[draft].create_resource(schema)
        try:
            resolver = self._resolver(context).in_subresource(resource)
        except (ValueError, AttributeError, TypeError) as error:
            raise GrammarSyntaxError("the identifier must be a URI reference", got=resource.id()) from error
        base = resolver._base_uri
        return self._context(base, draft, schema, resolver, self._scope(context, base, schema))

    def _scope(self, context: Context, base: str, document: Any) -> tuple[str, ...]:
        """The dynamic scope after entering a resource. Only those that own dynamic anchors matter, once
        each."""
        if base in context.scope:
            return context.scope
        if base not in self._owners:
            self._owners[base] = _owns_dynamic_anchors(document, context.draft)
        return (*context.scope, base) if self._owners[base] else context.scope

    def anchored(self, context: Context, base: str, anchor: str) -> tuple[Any, Context] | None:
        """What a dynamic anchor means in the resource at a URI (`anchor` "": its root); None if it has
        none."""
        try:
            found = _found_in(self._resolver(self.root), f"{base}#{anchor}")
        except (Unresolvable, ValueError, AttributeError, TypeError, KeyError):
            return None
        schema = found.contents
        word, expected = ("$dynamicAnchor", anchor) if anchor else ("$recursiveAnchor", True)
        if not isinstance(schema, Mapping) or schema.get(word) != expected:
            return None
        return self._found(context, schema, found.resolver)

    def look_up(self, context: Context, reference: str) -> tuple[Any, Context]:
        """What `referencing` finds."""
        self._prepared()
        try:
            found = _found_in(self._searched(self._resolver(context), reference), reference)
        except (Unresolvable, CannotDetermineSpecification, ValueError) as error:
            raise UnresolvedReferenceError(
                reference,
                message="the reference leads nowhere",
                advice="" if "#" in reference[:1] else "give the document it means in `registry`",
            ) from error
        except (
            AttributeError,
            TypeError,
            KeyError,
        ) as error:  # the traversal meets something that is no schema
            raise UnresolvedReferenceError(
                reference, message="the documents cannot be searched for identifiers"
            ) from error
        return self._found(context, found.contents, found.resolver)

    def _searched(self, resolver: Any, reference: str) -> Any:
        """A resolver whose documents are searched for identifiers already, where the reference needs that.

        By itself `referencing` would search them anew for each reference: 40 ms for 600 schemas.
        """
        registry = resolver._registry
        uri, fragment = urldefrag(urljoin(resolver._base_uri, reference))
        if (not fragment or fragment.startswith("/")) and uri in registry:
            return resolver
        known = self._crawled.get(id(registry))
        if known is None:
            known = self._crawled[id(registry)] = (registry, registry.crawl())  # kept: its id stays its own
        return resolver._evolve(base_uri=resolver._base_uri, registry=known[1])  # keeps its dynamic scope

    def _found(self, context: Context, schema: Any, resolver: Any) -> tuple[Any, Context]:
        base = resolver._base_uri
        if base == context.base and not isinstance(schema, bool):
            return schema, context
        document = self._document(resolver, schema)
        draft = draft_of(document, context.draft)
        scope = self._scope(context, base, document)
        return schema, self._context(base, draft, document, resolver, scope)

    def _document(self, resolver: Any, schema: Any) -> Any:
        """The resource that the found schema belongs to."""
        try:
            return resolver.lookup("#").contents
        except (Unresolvable, ValueError, AttributeError, TypeError):
            return schema


def _found_in(resolver: Any, reference: str) -> Any:
    """What a reference means among the documents of a resolver, or else among the meta-schemas. Raises
    Unresolvable."""
    try:
        return resolver.lookup(reference)
    except Unresolvable:
        uri = urljoin(resolver._base_uri, reference)
        if not uri.partition("://")[2].startswith("json-schema.org/"):
            raise
        return _meta_schemas().resolver().lookup(uri)


def _meta_schemas() -> Registry[Any]:
    """The meta-schemas of the drafts, where their package is installed."""
    try:
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
    except ImportError:
        return Registry()
    return REGISTRY


def _owns_dynamic_anchors(document: Any, draft: int) -> bool:
    """Whether `$dynamicAnchor` or `$recursiveAnchor` stands anywhere in a document. (More than its own do no
    harm.)"""
    waiting = [document]
    while waiting:
        place = waiting.pop()
        if isinstance(place, Mapping):
            if "$dynamicAnchor" in place or "$recursiveAnchor" in place:
                return True
            waiting.extend(place.values())
        elif isinstance(place, list):
            waiting.extend(place)
    return False


def _resource(schema: Any, default: Specification[Any]) -> Resource[Any]:
    draft = draft_of(schema, 0)
    return (SPECIFICATIONS[draft] if draft else default).create_resource(schema)
