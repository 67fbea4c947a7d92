//! Terraform's blocks, of HCL and of JSON, as [`Node`]s.

use std::collections::HashMap;

use keysieve_engine::hcl::{self, Expression, Item};

use super::node::{Kind, Node, yaml};

/// A block of Terraform: `resource "aws_kms_key" "main" { … }`.
#[derive(Debug)]
pub struct Block {
    /// `resource`, `data`, `variable`, …
    pub kind: String,
    /// What stands behind it.
    pub labels: Vec<String>,
    /// What is in it.
    pub body: Node,
}

/// Reads Terraform's JSON (`.tf.json`). The error names line and reason.
pub fn json(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    for document in yaml(text)? {
        for (kind, node) in document.entries() {
            let labels = match kind.as_str() {
                "resource" | "data" | "ephemeral" => 2,
                "variable" | "output" | "module" | "provider" | "check" => 1,
                _ => 0,
            };
            add_blocks(kind, node, &mut Vec::new(), labels, &mut blocks);
        }
    }
    Ok(blocks)
}

/// Goes through so many levels of labels; where a list stands, its members are blocks of their own.
fn add_blocks(kind: &str, node: &Node, labels: &mut Vec<String>, more: usize, into: &mut Vec<Block>) {
    for member in node.members() {
        if more == 0 {
            into.push(Block { kind: kind.to_owned(), labels: labels.clone(), body: interpolated(member.clone()) });
            continue;
        }
        for (label, inner) in member.entries() {
            labels.push(label.clone());
            add_blocks(kind, inner, labels, more - 1, into);
            labels.pop();
        }
    }
}

/// Texts with `${…}` in them are known only when they are deployed. A list of one map is a block that stands once.
fn interpolated(mut node: Node) -> Node {
    node.kind = match node.kind {
        Kind::Literal(text) if text.contains("${") => Kind::Reference(text),
        Kind::List(mut members) if members.len() == 1 && matches!(members[0].kind, Kind::Map(_)) => {
            return interpolated(members.remove(0));
        }
        Kind::List(members) => Kind::List(members.into_iter().map(interpolated).collect()),
        Kind::Map(entries) => Kind::Map(entries.into_iter().map(|(key, value)| (key, interpolated(value))).collect()),
        other => other,
    };
    node
}

/// Reads Terraform's HCL. The error names line and reason.
pub fn hcl(text: &str) -> Result<Vec<Block>, String> {
    let items = hcl::parse(text).map_err(|error| error.to_string())?;
    let block = |item| match item {
        Item::Block(block) => Some(Block {
            kind: block.kind,
            labels: block.labels,
            body: Node::new(block.line, Kind::Map(entries(block.body, text))),
        }),
        Item::Attribute(_) => None,
    };
    Ok(items.into_iter().filter_map(block).collect())
}

fn entries(items: Vec<Item>, text: &str) -> Vec<(String, Node)> {
    let mut entries: Vec<(String, Node)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for item in items {
        match item {
            Item::Attribute(attribute) => {
                known.entry(attribute.name.clone()).or_insert(entries.len());
                entries.push((attribute.name, Node { line: attribute.line, ..node(attribute.value, text) }));
            }
            Item::Block(block) => {
                let node = Node::new(block.line, Kind::Map(self::entries(block.body, text)));
                match known.get(&block.kind) {
                    // Blocks of one name are a list.
                    Some(at) => match &mut entries[*at].1 {
                        Node { kind: Kind::List(members), .. } => members.push(node),
                        first => {
                            let single = std::mem::replace(first, Node::new(first.line, Kind::List(Vec::new())));
                            first.kind = Kind::List(vec![single, node]);
                        }
                    },
                    None => {
                        known.insert(block.kind.clone(), entries.len());
                        entries.push((block.kind, node));
                    }
                }
            }
        }
    }
    entries
}

/// The value of an expression in `text`.
fn node(value: Expression, text: &str) -> Node {
    let Expression { line, span, kind } = value;
    let written = || text[span].to_owned();
    let kind = match kind {
        hcl::Kind::Literal(text) => Kind::Literal(text),
        hcl::Kind::Heredoc(text) if text.contains("${") => Kind::Reference(text),
        hcl::Kind::Heredoc(text) => Kind::Literal(text),
        hcl::Kind::List(members) => Kind::List(members.into_iter().map(|member| node(member, text)).collect()),
        hcl::Kind::Map(entries) => {
            Kind::Map(entries.into_iter().map(|(key, value)| (name(key, text), node(value, text))).collect())
        }
        hcl::Kind::Parenthesis(inner) => return node(*inner, text),
        hcl::Kind::Other => Kind::Reference(written()),
        hcl::Kind::Call(name, mut arguments) => match name.as_str() {
            // What they encode, or hand on.
            "jsonencode" | "yamlencode" | "base64encode" | "sensitive" | "tolist" | "toset"
                if !arguments.is_empty() =>
            {
                return node(arguments.remove(0), text);
            }
            "merge" if !arguments.is_empty() => {
                let entries = arguments.into_iter().flat_map(|argument| match node(argument, text).kind {
                    Kind::Map(entries) => entries,
                    // What it is merged with may hold anything.
                    _ => vec![("*".to_owned(), Node::new(line, Kind::Reference(String::new())))],
                });
                Kind::Map(entries.collect())
            }
            _ => Kind::Reference(written()),
        },
    };
    Node::new(line, kind)
}

/// The name of an entry in a map.
fn name(key: Expression, text: &str) -> String {
    match key.kind {
        hcl::Kind::Literal(text) => text,
        _ => text[key.span].trim_matches(['(', ')', '"']).to_owned(),
    }
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_gives_the_same_blocks() {
        let text = "{\n\t\"resource\": {\"a\": {\"b\": [{\"p\": \"${var.x}\"}, {\"p\": \"y\"}],\n\"c\": {\"s\": [{\"n\": 1}]}}},\n\"variable\": {\"v\": {\"default\": \"d\"}}, \"locals\": {\"l\": 1}}";
        let blocks = json(text).unwrap();
        let told: Vec<_> = blocks.iter().map(|it| (it.kind.as_str(), it.labels.join("."))).collect();
        let expected =
            [("resource", "a.b"), ("resource", "a.b"), ("resource", "a.c"), ("variable", "v"), ("locals", "")];
        assert_eq!(told, expected.map(|(kind, labels)| (kind, labels.to_owned())));
        assert!(matches!(blocks[0].body.at(&["p"]).kind, Kind::Reference(_)) && blocks[1].body.at(&["p"]).is("y"));
        assert!(json("{\"resource\": [").is_err());
    }

    #[test]
    fn hcl_gives_blocks_functions_and_repeated_blocks() {
        let text = "resource \"a\" \"b\" {\n  kms_key_id = var.x\n  p = jsonencode({ Statement = [{ Action = \"*\" }] })\n  s { n = 1 }\n  s { n = 2 }\n}\n";
        let blocks = hcl(text).unwrap();
        let body = &blocks[0].body;
        assert_eq!((blocks[0].kind.as_str(), blocks[0].labels.len(), body.line), ("resource", 2, 1));
        assert!(matches!(body.at(&["KmsKeyId"]).kind, Kind::Reference(_)));
        assert!(body.at(&["p"]).at(&["Statement"]).members()[0].at(&["Action"]).is("*"));
        assert_eq!((body.at(&["s"]).members().len(), body.at(&["s"]).members()[1].line), (2, 5));
        assert!(hcl("resource {").unwrap_err().starts_with("line 1"));
        assert!(hcl(&"x { ".repeat(5000)).is_err());
    }
}
