//! x
fn main(){ for a in std::env::args().skip(1) { match pep3118::parse(&a) { Ok(f)=>println!("{f:?}"), Err(e)=>println!("{e:#}\n{e}") } } }
