//! Comparisons that never come out equal, because their sides are of two kinds. What cannot be told of a side is no fault.

use cel::IdedExpr;
use cel::common::ast::EntryExpr;
use cel::common::ast::Expr;
use cel::common::ast::LiteralValue;
use cel::common::ast::operators;

use super::Expression;
use crate::flow::api::Kind;

/// The kind of each built-in name.
const BUILT_IN: [(&str, Kind); 8] = [
    ("caller.number", Kind::Text),
    ("caller.known", Kind::Truth),
    ("caller.name", Kind::Text),
    ("caller.account", Kind::Text),
    ("verified", Kind::Truth),
    ("verified_by", Kind::Text),
    ("language", Kind::Text),
    ("dialled", Kind::Text),
];

/// Two sides that never are equal.
pub(crate) struct Unequal {
    /// What they are, in words.
    pub message: String,
    pub hint: Option<String>,
}

impl Expression {
    /// The first `==`, `!=` or `in` whose sides are of two kinds; `kind` tells a variable's, where it is known.
    pub fn unequal(&self, kind: &dyn Fn(&str) -> Option<Kind>) -> Option<Unequal> {
        let kinds = Kinds { of_variable: kind };
        kinds.unequal(self.program.expression())
    }
}

impl Expression {
    /// Each text that a name is held against, by `==`, `!=` or `in`, in the order in which they are written.
    pub fn compared_texts(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        compared_texts(self.program.expression(), &mut found);
        found
    }
}

fn compared_texts(expression: &IdedExpr, found: &mut Vec<(String, String)>) {
    match &expression.expr {
        Expr::Select(select) => compared_texts(&select.operand, found),
        Expr::Call(call) => {
            let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
            match (call.func_name.as_str(), &parts[..]) {
                (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => {
                    found.extend(name_and_text(one, other).or_else(|| name_and_text(other, one)));
                }
                (operators::IN, [one, IdedExpr { expr: Expr::List(list), .. }]) => {
                    found.extend(list.elements.iter().filter_map(|other| name_and_text(one, other)));
                }
                _ => {}
            }
            parts.into_iter().for_each(|part| compared_texts(part, found));
        }
        Expr::List(list) => list.elements.iter().for_each(|element| compared_texts(element, found)),
        _ => {}
    }
}

fn name_and_text(one: &IdedExpr, other: &IdedExpr) -> Option<(String, String)> {
    match &other.expr {
        Expr::Literal(LiteralValue::String(text)) => Some((name(one)?, text.inner().to_owned())),
        _ => None,
    }
}

struct Kinds<'a> {
    of_variable: &'a dyn Fn(&str) -> Option<Kind>,
}

impl Kinds<'_> {
    fn unequal(&self, expression: &IdedExpr) -> Option<Unequal> {
        match &expression.expr {
            Expr::Select(select) => self.unequal(&select.operand),
            Expr::Call(call) => {
                let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
                let here = match (call.func_name.as_str(), &parts[..]) {
                    (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => self.compared(one, other),
                    (operators::IN, [one, IdedExpr { expr: Expr::List(list), .. }]) => {
                        list.elements.iter().find_map(|other| self.compared(one, other))
                    }
                    _ => None,
                };
                here.or_else(|| parts.into_iter().find_map(|part| self.unequal(part)))
            }
            Expr::List(list) => list.elements.iter().find_map(|element| self.unequal(element)),
            Expr::Map(map) => map.entries.iter().find_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.unequal(&entry.key).or_else(|| self.unequal(&entry.value)),
                EntryExpr::StructField(_) => None,
            }),
            _ => None,
        }
    }

    fn compared(&self, one: &IdedExpr, other: &IdedExpr) -> Option<Unequal> {
        let (of_one, of_other) = (self.kind(one)?, self.kind(other)?);
        (of_one != of_other).then(|| Unequal {
            message: format!("{} and {} are never equal", side(one, of_one), side(other, of_other)),
            hint: hint((one, of_one), (other, of_other)),
        })
    }

    /// What kind of value it gives, where its words alone tell it.
    fn kind(&self, expression: &IdedExpr) -> Option<Kind> {
        match &expression.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::String(_) => Some(Kind::Text),
                LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Some(Kind::Number),
                LiteralValue::Boolean(_) => Some(Kind::Truth),
                LiteralValue::Bytes(_) | LiteralValue::Null => None,
            },
            Expr::Ident(_) | Expr::Select(_) => {
                let name = name(expression)?;
                let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
                built_in.or_else(|| (self.of_variable)(&name))
            }
            Expr::Call(call) => match call.func_name.as_str() {
                operators::CONDITIONAL => {
                    let kind = self.kind(call.args.get(1)?)?;
                    (self.kind(call.args.get(2)?)? == kind).then_some(kind)
                }
                operators::ADD => {
                    let kind = self.kind(call.args.first()?)?;
                    (self.kind(call.args.get(1)?)? == kind).then_some(kind)
                }
                operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE => self.kind(call.args.first()?),
                operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS
                | operators::LOGICAL_AND
                | operators::LOGICAL_OR
                | operators::LOGICAL_NOT
                | operators::IN
                | "bool"
                | "contains"
                | "startsWith"
                | "endsWith"
                | "matches" => Some(Kind::Truth),
                "int" | "uint" | "double" | "size" => Some(Kind::Number),
                "string" => Some(Kind::Text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// `order`, `caller.name`
fn name(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(whole) => Some(format!("{whole}.{}", select.field)),
            _ => None,
        },
        _ => None,
    }
}

/// As it is written, where that is a name or a value.
fn written(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(format!("'{}'", text.inner())),
        Expr::Literal(LiteralValue::Int(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::UInt(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::Double(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::Boolean(truth)) => Some(truth.inner().to_string()),
        _ => name(expression),
    }
}

/// `dialled (a text)`
fn side(expression: &IdedExpr, kind: Kind) -> String {
    let kind = match kind {
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Truth => "true or false",
    };
    written(expression).map_or_else(|| kind.to_owned(), |written| format!("{written} ({kind})"))
}

fn hint(one: (&IdedExpr, Kind), other: (&IdedExpr, Kind)) -> Option<String> {
    let is_value = |side: &IdedExpr| matches!(side.expr, Expr::Literal(_));
    for ((side, kind), (with, of_with)) in [(one, other), (other, one)] {
        let words = || written(side);
        match (kind, of_with) {
            (Kind::Truth, _) if !is_value(side) => {
                return words()
                    .map(|words| format!("it is true or false by itself: write {words} or !{words}"));
            }
            (Kind::Number | Kind::Truth, Kind::Text) if is_value(side) => {
                return words().map(|words| format!("write '{words}' in quotes"));
            }
            (Kind::Text, Kind::Number) if is_value(side) => {
                return Some("write the number without quotes".to_owned());
            }
            (Kind::Text, Kind::Number) if !is_value(with) => {
                return words().map(|words| format!("compare it as a number: int({words})"));
            }
            _ => {}
        }
    }
    None
}
