"""Checks that no dependency needs a newer Rust than `rust-version` in Cargo.toml.

    python3 tests/msrv.py

If the toolchain of `rust-version` is installed, the script also compiles the crate with it. The exit status is not 0 if
a dependency needs a newer Rust, or if the compilation fails.
"""

import json
import subprocess
import sys


def version(text):
    """Returns (major, minor) of the version `text`."""
    return tuple(int(part) for part in text.split(".")[:2])


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
    ours = next(package["rust_version"] for package in packages if package["name"] == "pep3118")
    newer = [
        f"{package['name']} {package['version']} needs Rust {package['rust_version']}"
        for package in packages
        if package["rust_version"] and version(package["rust_version"]) > version(ours)
    ]
    for line in newer:
        print(line)
    print(f"{len(packages)} packages, {len(newer)} need a newer Rust than {ours}")
    toolchain = "+" + ours
    if subprocess.run(["cargo", toolchain, "--version"], capture_output=True).returncode == 0:
        check = ["cargo", toolchain, "check", "--all-features", "--target-dir", "target/msrv"]
        return 1 if newer else subprocess.run(check).returncode
    print(f"Rust {ours} is not installed, so the script compared the versions and did not compile")
    return 1 if newer else 0


if __name__ == "__main__":
    sys.exit(main())
