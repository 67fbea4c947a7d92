//! hcl-edit as the oracle: what both read is the same. Its time doubles with each bracket inside of another, so that what is
//! made here is flat.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use proptest::prelude::*;

use super::super::node::{Kind, Node};

/// What hcl-edit makes of a text.
fn read(text: &str) -> Option<Vec<(String, Node)>> {
    let body = hcl_edit::parser::parse_body(text).ok()?;
    Some(entries(&body, text))
}

fn line(text: &str, span: Option<Range<usize>>) -> u64 {
    1 + text[..span.map_or(0, |span| span.start)].matches('\n').count() as u64
}

/// A value as it is written, without the comments around it.
fn written(value: &Expression, text: &str) -> String {
    text[value.span().unwrap_or_default()].trim().to_owned()
}

fn entries(body: &Body, text: &str) -> Vec<(String, Node)> {
    let entry = |structure: &Structure| match structure {
        Structure::Attribute(it) => {
            (it.key.to_string(), Node { line: line(text, it.span()), ..expression(&it.value, text) })
        }
        Structure::Block(it) => {
            let labels = it.labels.iter().map(|label| format!(" {}", label.as_str()));
            let name = it.ident.to_string() + &labels.collect::<String>();
            (name, Node::new(line(text, it.span()), Kind::Map(entries(&it.body, text))))
        }
    };
    body.iter().map(entry).collect()
}

fn expression(value: &Expression, text: &str) -> Node {
    let line = line(text, value.span());
    let kind = match value {
        Expression::String(text) => Kind::Literal(text.to_string()),
        Expression::Bool(value) => Kind::Literal(value.to_string()),
        Expression::Number(value) => Kind::Literal(value.to_string()),
        Expression::Array(array) => Kind::List(array.iter().map(|it| expression(it, text)).collect()),
        Expression::Object(object) => {
            let key = |key: &ObjectKey| match key {
                ObjectKey::Ident(ident) => ident.to_string(),
                ObjectKey::Expression(Expression::String(text)) => text.to_string(),
                ObjectKey::Expression(other) => written(other, text).trim_matches(['(', ')', '"']).to_owned(),
            };
            Kind::Map(object.iter().map(|(name, value)| (key(name), expression(value.expr(), text))).collect())
        }
        Expression::Parenthesis(inner) => return expression(inner.inner(), text),
        Expression::FuncCall(call) => return function(call, value, line, text),
        Expression::HeredocTemplate(heredoc) => {
            let text = heredoc.template.to_string();
            if text.contains("${") { Kind::Reference(text) } else { Kind::Literal(text) }
        }
        other => Kind::Reference(written(other, text)),
    };
    Node::new(line, kind)
}

fn function(call: &FuncCall, value: &Expression, line: u64, text: &str) -> Node {
    match (call.name.name.as_str(), call.args.iter().next()) {
        ("jsonencode", Some(argument)) => expression(argument, text),
        _ => Node::new(line, Kind::Reference(written(value, text))),
    }
}

/// What our reader makes of it, with the labels in the names and every block by itself.
fn ours(items: Vec<super::Item>, text: &str) -> Vec<(String, Node)> {
    let entry = |item| match item {
        super::Item::Attribute(it) => (it.name, Node { line: it.line, ..super::node(it.value, text) }),
        super::Item::Block(it) => {
            let labels = it.labels.iter().map(|label| format!(" {label}"));
            let name = it.kind + &labels.collect::<String>();
            (name, Node::new(it.line, Kind::Map(ours(it.body, text))))
        }
    };
    items.into_iter().map(entry).collect()
}

/// Values, one in another at most.
fn value() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "\"x\"",
        "\"\"",
        "\"q\\\"\\n\\\\\"",
        "\"$${a}\"",
        "\"%%{a}\"",
        "\"a$b %c\"",
        "\"${var.x}-y\"",
        "\"é\\u00e9\"",
        "\"%{ if a }b%{ endif }\"",
        "12",
        "1.5",
        "true",
        "null",
        "var.x",
        "a.b[0].c",
        "a.*.b",
        "a[*].b",
        "!a",
        "a + 1",
        "a == b ? 1 : \"c\"",
        "a && b || c",
        "(a)",
        "(\"b\")",
        "f()",
        "f(1, a.b)",
        "f(a...)",
        "[for x in y : x.z if x.w]",
        "{ for k, v in m : k => v }",
        "<<E\n one ${a}\nE",
        "<<-E\ntwo\n  E",
    ]);
    let plain = plain.prop_map(str::to_owned);
    let key = prop::sample::select(vec!["k", "\"k-l\"", "(var.k)", "k-l", "_k"]);
    let sign = prop::sample::select(vec![" = ", "=", ": ", " : "]);
    let blank = prop::sample::select(vec!["", " ", "\n", " # c\n", "/* c */"]);
    let one_line = plain.clone().prop_filter("a heredoc ends its line", |it| !it.starts_with("<<"));
    let list = (prop::collection::vec((blank.clone(), one_line.clone()), 0..4), blank).prop_map(|(members, end)| {
        let members: Vec<String> = members.into_iter().map(|(blank, it)| format!("{blank}{it}")).collect();
        format!("[{}{end}]", members.join(","))
    });
    let ends = prop::sample::select(vec![",", "\n", ", \n", " # c\n"]);
    let map = prop::collection::vec((key, sign, one_line, ends), 0..4).prop_map(|entries| {
        let entries = entries.into_iter().map(|(key, sign, it, end)| format!(" {key}{sign}{it}{end}"));
        format!("{{{}}}", entries.collect::<String>())
    });
    let encoded = (prop::sample::select(vec!["jsonencode", "g"]), prop_oneof![list.clone(), map.clone()]);
    let encoded = encoded.prop_map(|(name, it)| format!("{name}({it})"));
    prop_oneof![4 => plain, 1 => list, 1 => map, 1 => encoded]
}

fn document() -> impl Strategy<Value = String> {
    let attributes = || prop::collection::vec((prop::sample::select(vec!["a = ", "b-c=", "_d  =  "]), value()), 0..4);
    let block =
        (prop::sample::select(vec!["r \"a\" \"b\" {", "s {", "t l{", "\n# c\n// d\nu {"]), attributes(), attributes());
    let lines =
        |all: Vec<(&str, String)>| all.into_iter().map(|(name, it)| format!("{name}{it}\n")).collect::<String>();
    prop::collection::vec(block, 0..3).prop_map(move |blocks| {
        let blocks = blocks.into_iter();
        blocks.map(|(head, outer, inner)| format!("{head}\n{}v {{\n{}}}\n}}\n", lines(outer), lines(inner))).collect()
    })
}

proptest! {
    #[test]
    fn both_read_the_same(text in document()) {
        let expected = read(&text);
        let items = keysieve_engine::hcl::parse(&text);
        let own = items.map(|items| ours(items, &text));
        match (expected, own) {
            (Some(expected), Ok(own)) => prop_assert_eq!(format!("{expected:?}"), format!("{own:?}"), "{}", text),
            (Some(_), Err(error)) => prop_assert!(false, "{}: {}", error, text),
            // Ours may read more.
            (None, _) => {}
        }
    }
}
