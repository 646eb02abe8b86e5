//! `warmline customer`: who the callers are. PINs come by stdin or in a file, and are kept as hashes.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::json;

use crate::base::Secret;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::ask;
use crate::cli::flow::FlowsArg;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::store::NewCustomer;
use crate::store::Store;
use crate::store::customers::ListedCustomer;
use crate::store::story;
use crate::store::view::rfc3339;

/// The columns of an import, in this order, named in the first line.
const COLUMNS: &str = "account,name,pin,numbers,name_prompt";
/// One more, where dates of birth are known.
const BIRTH_DATE: &str = ",birth_date";

#[derive(Debug, Subcommand)]
pub(super) enum CustomerCommand {
    /// List the customers
    List {
        #[command(flatten)]
        data: DataArg,
        #[command(flatten)]
        flows: FlowsArg,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Add a customer; the PIN is asked for, or read from stdin
    Add(AddArgs),
    /// Add the customers of a CSV file, all or none
    ///
    /// The first line is `account,name,pin,numbers,name_prompt`, with `,birth_date` behind it where dates of birth
    /// (1980-12-24) are known; several numbers are separated by spaces, all after the PIN may be empty. Keep the file no longer than you must: it holds PINs.
    Import {
        file: PathBuf,
        #[command(flatten)]
        data: DataArg,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The account number, which callers key in
    account: String,
    name: String,
    /// A calling number that is this customer's; may be given several times
    #[arg(long = "number", value_name = "NUMBER")]
    numbers: Vec<String>,
    /// The prompt that says the name: names/ann
    #[arg(long, value_name = "PROMPT")]
    name_prompt: Option<String>,
    /// The date of birth, which callers may prove themselves with: 1980-12-24
    #[arg(long, value_name = "DATE")]
    birth_date: Option<String>,
    #[command(flatten)]
    data: DataArg,
}

/// `warmline customer …`
pub(super) fn run(command: CustomerCommand) -> Result<(), Trouble> {
    match command {
        CustomerCommand::List { data, flows, format } => {
            list(&Store::open_existing(&data.data)?, &flows, format)
        }
        CustomerCommand::Add(args) => add(args),
        CustomerCommand::Import { file, data } => import(&file, &Store::open(&data.data)?),
    }
}

fn list(store: &Store, flows: &FlowsArg, format: Format) -> Result<(), Trouble> {
    let customers = store.customers()?;
    if format == Format::Json {
        let view = |c: &ListedCustomer| {
            json!({
                "account": c.customer.account, "name": c.customer.name, "name_prompt": c.customer.name_prompt,
                "numbers": c.numbers, "failed_in_row": c.failed_in_row,
                "locked_until": c.locked_until.map(rfc3339),
            })
        };
        say!("{:#}", json!({ "customers": customers.iter().map(view).collect::<Vec<_>>() }));
        return Ok(());
    }
    if customers.is_empty() {
        eprintln!(
            "no customers; `warmline serve` makes those of the demo center, `warmline customer add` others"
        );
        return Ok(());
    }
    let zone = flows.zone();
    let row = |c: &ListedCustomer| {
        vec![
            c.customer.account.clone(),
            c.customer.name.clone(),
            c.numbers.join(" "),
            c.failed_in_row.to_string(),
            c.locked_until.map(|until| story::date_and_clock(until, &zone)).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = customers.iter().map(row).collect();
    show(table(&["account", "name", "numbers", "wrong PINs", "locked until"], &rows));
    Ok(())
}

fn add(args: AddArgs) -> Result<(), Trouble> {
    let store = Store::open(&args.data.data)?;
    let pin = ask::new_secret("PIN")?;
    let AddArgs { account, name, numbers, name_prompt, birth_date, data: _ } = args;
    let birth_date = birth_date.map(Secret::new);
    store.add_customer(&NewCustomer {
        account: account.clone(),
        name,
        name_prompt,
        numbers,
        pin,
        birth_date,
    })?;
    eprintln!("added account {account}");
    Ok(())
}

fn import(file: &Path, store: &Store) -> Result<(), Trouble> {
    let failed = |error| Trouble::new(format!("{} cannot be read: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(failed)?;
    let customers = parse(&text).map_err(|(line, error)| {
        let hint = match line {
            1 => format!("it is {COLUMNS}, with {BIRTH_DATE} behind it where dates of birth are known"),
            _ => "a field with a comma in it stands between quotes; several numbers are separated by spaces"
                .to_owned(),
        };
        Trouble::new(format!("{}:{line}: {error}", file.display())).hint(hint)
    })?;
    store.import_customers(&customers)?;
    eprintln!("added {} customers", customers.len());
    Ok(())
}

/// The customers of a CSV text, or the line that is wrong and why.
fn parse(text: &str) -> Result<Vec<NewCustomer>, (usize, String)> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let head = lines.next().map_or("", |(_, head)| head.trim());
    if head.strip_suffix(BIRTH_DATE).unwrap_or(head) != COLUMNS {
        return Err((1, "the first line does not name the columns".to_owned()));
    }
    let columns = head.split(',').count();
    let rows = lines.filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(place, line)| row(line, columns).map_err(|error| (place + 1, error))).collect()
}

fn row(line: &str, columns: usize) -> Result<NewCustomer, String> {
    let mut fields = fields(line)?;
    // The line itself stays out of the message: it holds a PIN.
    if fields.len() != columns {
        return Err(format!("{columns} columns are wanted, got {}", fields.len()));
    }
    fields.resize(COLUMNS.split(',').count() + 1, String::new());
    let filled = |field: &mut String| Some(std::mem::take(field)).filter(|field| !field.is_empty());
    Ok(NewCustomer {
        account: std::mem::take(&mut fields[0]),
        name: std::mem::take(&mut fields[1]),
        pin: Secret::new(std::mem::take(&mut fields[2])),
        numbers: fields[3].split_whitespace().map(str::to_owned).collect(),
        name_prompt: filled(&mut fields[4]),
        birth_date: filled(&mut fields[5]).map(Secret::new),
    })
}

/// The fields of one CSV line (RFC 4180, but for line ends within a field).
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        // There is one field from the start, and fields are only added.
        let field = fields.last_mut().expect("there is a field");
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_file_is_read_with_its_quotes() {
        let text =
            "account,name,pin,numbers,name_prompt\r\n100500,\"Dee, \"\"D\"\"\",1234,+1202 +1203,\r\n\r\n";
        let customers = parse(text).unwrap();
        assert_eq!(customers.len(), 1);
        assert_eq!(customers[0].name, "Dee, \"D\"");
        assert_eq!(customers[0].numbers, ["+1202", "+1203"]);
        assert_eq!(customers[0].pin.expose(), "1234");
        assert_eq!(customers[0].name_prompt, None);
    }

    #[test]
    fn dates_of_birth_are_a_column_more() {
        let text = format!("{COLUMNS}{BIRTH_DATE}\n1,Ann,4711,,,1980-02-29\n2,Ben,4712,,,\n");
        let dates: Vec<Option<Secret>> =
            parse(&text).unwrap().into_iter().map(|one| one.birth_date).collect();
        assert_eq!(dates, [Some(Secret::new("1980-02-29")), None]);
        let short = format!("{COLUMNS}{BIRTH_DATE}\n1,Ann,4711,,\n");
        assert_eq!(parse(&short).unwrap_err(), (2, "6 columns are wanted, got 5".to_owned()));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_and_what_to_do_is_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let trouble = |text: &str| {
            let file = folder.path().join("c.csv");
            fs::write(&file, text).unwrap();
            import(&file, &store)
                .unwrap_err()
                .to_string()
                .split("c.csv")
                .nth(1)
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(
            trouble("account,name\n"),
            ":1: the first line does not name the columns\n\nhint: it is account,name,pin,numbers,name_prompt, with \
             ,birth_date behind it where dates of birth are known\n"
        );
        assert_eq!(
            trouble(&format!("{COLUMNS}\n1,Ann\n")),
            ":2: 5 columns are wanted, got 2\n\nhint: a field with a comma in it stands between quotes; several numbers \
             are separated by spaces\n"
        );
    }

    #[test]
    fn a_wrong_line_is_named_and_its_pin_is_not() {
        let text = format!("{COLUMNS}\n1,Ann,4711,,\n2,Ben,4712\n");
        let (line, error) = parse(&text).unwrap_err();
        assert_eq!((line, error.as_str()), (3, "5 columns are wanted, got 3"));
        assert_eq!(parse("name,pin\n").unwrap_err().0, 1);
        assert!(fields("\"open").is_err());
    }
}
