//! Adds the folder of libpython to the run path, so that the program finds libpython.

fn main() {
    pyo3_build_config::add_libpython_rpath_link_args();
}
