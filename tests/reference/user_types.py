"""The known user types ("User types" in docs/grammar.md): `USER_TYPES` maps each name to its size in bytes."""

ONE_BYTE = (
    "float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz "
    "float8_e8m0fnu float4_e2m1fn float6_e2m3fn float6_e3m2fn int1 int2 int4 uint1 uint2 uint4"
)
UNITS = ["", *(f"${unit}" for unit in "Y M W D h m s ms us ns ps fs as".split())]

USER_TYPES = {b"bfloat16": 2, b"int24": 3, b"uint24": 3, b"int128": 16, b"uint128": 16}
USER_TYPES |= {name.encode(): 1 for name in ONE_BYTE.split()}
USER_TYPES |= {f"{name}{unit}".encode(): 8 for name in ("datetime64", "timedelta64") for unit in UNITS}


def alignment(size):
    """Returns the alignment in bytes of a known user type of `size` bytes."""
    return 1 if size == 3 else size
