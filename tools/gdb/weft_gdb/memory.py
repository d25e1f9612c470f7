"""Reading C++ values whose exact layout is not known.

A number may be in a std::atomic, in weft's wrappers around one, or bare; lists may be of either
standard library. What is asked for by name may be missing in another version: then the caller says
what to assume.
"""

import gdb


class NoDebugInformation(gdb.GdbError):
    """The program has goroutines, but gdb cannot know what they look like."""


_NO_TYPES = (
    "weft: there is no debug information for the weft library in this program. "
    "Build weft with CMAKE_BUILD_TYPE RelWithDebInfo or Debug (or with -g), link it again, "
    "and do not strip it."
)


def weft_type(name):
    """A type of the library. Raises NoDebugInformation."""
    try:
        return gdb.lookup_type("weft::detail::" + name)
    except gdb.error:
        raise NoDebugInformation(_NO_TYPES) from None


def has_field(value_or_type, name):
    kind = getattr(value_or_type, "type", value_or_type)
    kind = kind.strip_typedefs()
    if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return False
    for field in kind.fields():
        if field.name == name:
            return True
        if field.is_base_class and has_field(field.type, name):
            return True
    return False


def scalar(value):
    """The number, pointer or enumerator inside a wrapper."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        inner = [
            f
            for f in value.type.strip_typedefs().fields()
            if hasattr(f, "bitpos") and f.type.sizeof > 0
        ]
        if not inner:
            raise gdb.error("no number in a " + str(value.type))
        # An empty class has a size of one: the field that fills the whole is the one.
        value = value[max(inner, key=lambda f: f.type.sizeof)]
    return value


def number(value):
    return int(scalar(value))


def field_number(value, name, otherwise=0):
    return number(value[name]) if has_field(value, name) else otherwise


def enumerator(value):
    """The name of an enumerator, without its scope; its number if it has none."""
    inner = scalar(value)
    wanted = int(inner)
    for field in inner.type.strip_typedefs().fields():
        if field.enumval == wanted:
            return field.name.rsplit("::", 1)[-1]
    return str(wanted)


def c_string(pointer):
    """Null: an empty string."""
    if int(pointer) == 0:
        return ""
    return pointer.string(errors="replace")


def vector(value, element_type):
    """The elements of a std::vector, seen as `element_type`."""
    if has_field(value, "_M_impl"):
        begin, end = value["_M_impl"]["_M_start"], value["_M_impl"]["_M_finish"]
    else:
        begin, end = value["__begin_"], value["__end_"]
    first = begin.cast(element_type.pointer())
    for index in range((int(end) - int(begin)) // element_type.sizeof):
        yield first[index]


def linked(first, link="next", limit=10_000):
    """The elements of an intrusive list, from a pointer to the first."""
    for _ in range(limit):
        if int(first) == 0:
            return
        yield first
        first = first[link]


def address_of_static(name):
    """The address of a static object, 0 if the program has none of that name."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&'{name}'"))
    except gdb.error:
        return 0


def seen_as(value, kind):
    """The same memory as another type."""
    return value.address.cast(kind.pointer()).dereference()
