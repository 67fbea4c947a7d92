//! Every command, format and exit code as data: `tests/cmd/*.toml`, with what is printed beside it.
//!
//! `TRYCMD=overwrite cargo test --test cmd` writes down what is printed now; read the difference before committing it.

#[test]
fn commands_print_and_exit_as_written_down() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("tests/cmd/*.toml");
}
