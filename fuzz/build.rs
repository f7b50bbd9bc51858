//! Adds the folder of CPython's shared library to the run path of the fuzz targets.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "cpython")]
    pyo3_build_config::add_libpython_rpath_link_args();
}
