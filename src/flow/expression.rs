//! Conditions and values that are computed: CEL, without loops, over what a flow knows of its caller.
//!
//! Parsed once, at load; names and types are checked then, by a trial with sample values.

mod kinds;
mod wording;

use std::collections::HashMap; // looked up only
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use cel::Context;
use cel::Env;
use cel::ExecutionError;
use cel::IdedExpr;
use cel::Program;
use cel::common::ast::EntryExpr;
use cel::common::ast::Expr;

use self::wording::Unreadable;
use crate::fact::Verification;
use crate::flow::api::Caller;
use crate::flow::model::Value;
use crate::flow::model::Variables;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::flow::step::verified_by;

/// The longest expression, in characters.
const MAX_LENGTH: usize = 500;

/// What every flow knows without setting it.
pub(crate) const BUILT_IN: [&str; 8] = [
    "caller.number",
    "caller.known",
    "caller.name",
    "caller.account",
    "verified",
    "verified_by",
    "language",
    "dialled",
];

/// A parsed expression.
#[derive(Clone)]
pub(crate) struct Expression {
    pub text: String,
    program: Arc<Program>,
    /// The names it uses, `caller.…` in full.
    pub uses: Vec<String>,
}

/// What an expression is computed from.
pub(crate) struct Known<'a> {
    pub caller: &'a Caller,
    pub verified: bool,
    pub verified_by: Option<Verification>,
    pub language: &'a str,
    pub variables: &'a Variables,
}

impl Expression {
    /// Parses; an error says in words what is wrong.
    pub fn parse(text: &str) -> Result<Expression, Unreadable> {
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("a condition is at most {MAX_LENGTH} characters").into());
        }
        let program = Program::compile(text).map_err(|errors| {
            wording::unreadable(text, errors.errors.first().map_or("", |first| first.msg.as_str()))
        })?;
        let mut uses = Vec::new();
        names(&program.expression().expr, &mut uses)?;
        uses.sort();
        uses.dedup();
        Ok(Expression { text: text.to_owned(), program: Arc::new(program), uses })
    }

    /// Whether it is true. What cannot be computed is not.
    pub fn is_true(&self, known: &Known<'_>) -> bool {
        matches!(self.compute(known), Ok(Value::Truth(true)))
    }

    /// Its value.
    pub fn compute(&self, known: &Known<'_>) -> Result<Value, String> {
        let mut context = Context::with_env(env());
        for name in &self.uses {
            match name.split_once('.') {
                Some(_) => {}
                None if name == "verified" => context.add_variable_from_value(name, known.verified),
                None if name == "verified_by" => {
                    context.add_variable_from_value(name, verified_by(known.verified_by).to_owned());
                }
                None if name == "language" => {
                    context.add_variable_from_value(name, known.language.to_owned())
                }
                None if name == "dialled" => {
                    context.add_variable_from_value(name, known.caller.dialled.clone())
                }
                None => {
                    if let Some(value) = known.variables.get(name.as_str()) {
                        context.add_variable_from_value(name, cel_value(value));
                    }
                }
            }
        }
        if self.uses.iter().any(|name| name.starts_with("caller.")) {
            context.add_variable_from_value("caller", caller(known.caller));
        }
        match self.program.execute(&context) {
            Ok(cel::Value::Bool(truth)) => Ok(Value::Truth(truth)),
            Ok(cel::Value::Int(number)) => Ok(Value::Number(number)),
            Ok(cel::Value::UInt(number)) => {
                i64::try_from(number).map(Value::Number).map_err(|e| e.to_string())
            }
            Ok(cel::Value::String(text)) => Ok(Value::Text(text.to_string())),
            Ok(_) => Err("this gives neither a text, nor a whole number, nor true or false".to_owned()),
            Err(error) => Err(in_words(&error)),
        }
    }

    /// What kind of value it gives, tried with sample values of these kinds. An error is told only where no
    /// value of those kinds could help.
    pub fn trial(&self, samples: &Variables) -> Result<Option<Value>, String> {
        let customer = crate::flow::api::Customer {
            account: "100200".to_owned(),
            name: "Ann".to_owned(),
            name_prompt: None,
        };
        let caller = Caller {
            number: "+12025550143".to_owned(),
            dialled: "1000".to_owned(),
            customer: Some(customer),
        };
        let known = Known {
            caller: &caller,
            verified: true,
            verified_by: Some(Verification::VerifiedByPin),
            language: "en",
            variables: samples,
        };
        match self.compute(&known) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.starts_with(NO_OVERLOAD) || error.starts_with("this gives") => Err(error),
            Err(_) => Ok(None),
        }
    }
}

const NO_OVERLOAD: &str = "these do not go together";

fn in_words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let kinds: Vec<&str> = overload.argument_types().iter().map(|kind| kind_in_words(kind)).collect();
            format!("{NO_OVERLOAD}: {}", kinds.join(" and "))
        }
        other => one_line(&other.to_string()),
    }
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "int" | "uint" | "double" => "a number",
        "bool" => "true or false",
        other => other,
    }
}

impl Unreadable {
    /// Notes what is wrong at its place.
    pub(crate) fn report(self, place: Place, reader: &mut Reader<'_>) {
        match self.hint {
            Some(hint) => reader.error_hint(place, self.message, hint),
            None => reader.error(place, self.message),
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.text)
    }
}

/// Collects the names that `expr` uses, and refuses what conditions have no use for.
fn names(expr: &Expr, into: &mut Vec<String>) -> Result<(), String> {
    let each = |parts: &[&IdedExpr], into: &mut Vec<String>| -> Result<(), String> {
        parts.iter().try_for_each(|part| names(&part.expr, into))
    };
    match expr {
        Expr::Ident(name) => into.push(name.clone()),
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(whole) => into.push(format!("{whole}.{}", select.field)),
            other => names(other, into)?,
        },
        Expr::Call(call) => {
            call.target.iter().try_for_each(|target| names(&target.expr, into))?;
            call.args.iter().try_for_each(|argument| names(&argument.expr, into))?;
        }
        Expr::List(list) => list.elements.iter().try_for_each(|element| names(&element.expr, into))?,
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    each(&[&entry.key, &entry.value], into)?;
                }
            }
        }
        Expr::Comprehension(_) => return Err("a condition does not loop over lists".to_owned()),
        Expr::Struct(_) => return Err("a condition does not build structures".to_owned()),
        Expr::Literal(_) | Expr::Unspecified => {}
    }
    Ok(())
}

fn env() -> Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    Arc::clone(ENV.get_or_init(|| Arc::new(Env::stdlib())))
}

fn caller(caller: &Caller) -> cel::Value {
    let customer = caller.customer.as_ref();
    let name = customer.map(|customer| customer.name.clone()).unwrap_or_default();
    let account = customer.map(|customer| customer.account.clone()).unwrap_or_default();
    let mut fields: HashMap<String, cel::Value> = HashMap::new(); // looked up only
    fields.insert("number".to_owned(), caller.number.clone().into());
    fields.insert("known".to_owned(), caller.customer.is_some().into());
    fields.insert("name".to_owned(), name.into());
    fields.insert("account".to_owned(), account.into());
    fields.into()
}

fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Text(text) => text.clone().into(),
        Value::Number(number) => (*number).into(),
        Value::Truth(truth) => (*truth).into(),
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The value of a built-in name for a trial.
pub(crate) fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::api::Kind;

    fn known(variables: &Variables) -> bool {
        let caller = Caller { number: "+1202".into(), dialled: "1000".into(), customer: None };
        let known = Known { caller: &caller, verified: false, verified_by: None, language: "en", variables };
        Expression::parse("!caller.known && dialled == '1000' && size(order) > 3").unwrap().is_true(&known)
    }

    #[test]
    fn a_condition_sees_the_caller_and_the_variables() {
        let long = Variables::from([("order".into(), Value::Text("4711".into()))]);
        assert!(known(&long));
        assert!(!known(&Variables::from([("order".into(), Value::Text("47".into()))])));
        // Not set: cannot be computed, so not true.
        assert!(!known(&Variables::new()));
    }

    #[test]
    fn what_makes_no_sense_is_told_at_load() {
        assert!(
            Expression::parse("verified &&")
                .unwrap_err()
                .message
                .starts_with("this condition cannot be read")
        );
        assert!(Expression::parse("[1].all(x, x > 0)").unwrap_err().message.contains("loop"));
        let samples = Variables::from([("order".into(), Value::Text("0".into()))]);
        let clash = Expression::parse("order > 5").unwrap().trial(&samples).unwrap_err();
        assert_eq!(clash, "these do not go together: a text and a number");
    }

    #[test]
    fn what_is_never_equal_is_told_and_what_may_be_is_not() {
        let kind = |name: &str| match name {
            "order" => Some(Kind::Text),
            "points" => Some(Kind::Number),
            _ => None,
        };
        let told = |text: &str| {
            let found = Expression::parse(text).unwrap().unequal(&kind)?;
            Some((found.message, found.hint.unwrap_or_default()))
        };
        for (text, sides, hint) in [
            ("dialled == 1000", "dialled (a text) and 1000 (a number)", "write '1000' in quotes"),
            ("verified && 3 != caller.name", "3 (a number) and caller.name (a text)", "write '3' in quotes"),
            (
                "caller.known == 1",
                "caller.known (true or false) and 1 (a number)",
                "it is true or false by itself: write caller.known or !caller.known",
            ),
            ("order in ['1', 2]", "order (a text) and 2 (a number)", "write '2' in quotes"),
            ("points + 1 == '4'", "a number and '4' (a text)", "write the number without quotes"),
            ("points == order", "points (a number) and order (a text)", "compare it as a number: int(order)"),
            ("order == true", "order (a text) and true (true or false)", "write 'true' in quotes"),
        ] {
            let expected = (format!("{sides} are never equal"), hint.to_owned());
            assert_eq!(told(text), Some(expected), "{text}");
        }
        for good in [
            "dialled == '1000'",
            "int(order) == 4",
            "order == string(points)",
            "points == 4.0",
            "size(order) == 4",
            "verified == true",
            "who_knows == 4 || who_knows == '4'",
            "(verified ? order : caller.name) == '4'",
            "order in ['1', '2']",
        ] {
            assert_eq!(told(good), None, "{good}");
        }
    }

    #[test]
    fn a_checked_center_may_be_shared_by_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Expression>();
    }
}
