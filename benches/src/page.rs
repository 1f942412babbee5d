//! One self-contained HTML page: no script, nothing fetched, readable on paper, in the dark and on
//! a phone.

use core::fmt::Write as _;

use crate::error::LabError;
use crate::markup::escape;
use crate::plot::Plot;
use crate::report::{Block, Report};
use crate::table::{Cell, Table};

const STYLE: &str = include_str!("page/style.css");

/// The page that shows `reports`. It is well-formed XML as well as HTML.
///
/// # Errors
///
/// [`LabError::Plot`] when a chart cannot be drawn.
///
/// # Examples
///
/// ```
/// use purlin_benches::{page, report::Report};
///
/// let html = page::render("The lab", "one core", &[Report::new("core", "Clocks & hashes.")])?;
/// assert!(html.contains("Clocks &amp; hashes."));
/// # Ok::<(), purlin_benches::error::LabError>(())
/// ```
pub fn render(title: &str, machine: &str, reports: &[Report]) -> Result<String, LabError> {
    let title = escape(title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"machine\">Measured on {}</p>\n",
        escape(machine)
    );
    if reports.len() > 1 {
        html.push_str("<nav><ul>\n");
        for report in reports {
            let area = escape(report.area());
            // Writing to a String cannot fail.
            let _ = writeln!(html, "<li><a href=\"#{area}\">{area}</a></li>");
        }
        html.push_str("</ul></nav>\n");
    }
    html.push_str("</header>\n<main>\n");
    for report in reports {
        section(&mut html, report)?;
    }
    html.push_str("</main>\n</body>\n</html>\n");
    Ok(html)
}

fn section(html: &mut String, report: &Report) -> Result<(), LabError> {
    let area = escape(report.area());
    let _ = writeln!(
        html,
        "<section id=\"{area}\">\n<h2>{area}</h2>\n<p class=\"about\">{}</p>",
        escape(report.about())
    );
    for block in report.blocks() {
        match block {
            Block::Table(table) => render_table(html, table),
            Block::Plot(plot) => render_plot(html, plot)?,
        }
    }
    html.push_str("</section>\n");
    Ok(())
}

fn render_table(html: &mut String, table: &Table) {
    let numeric: Vec<bool> = (0..table.columns().len())
        .map(|column| table.is_numeric(column))
        .collect();
    let class = |column: usize| {
        if numeric[column] {
            " class=\"number\""
        } else {
            ""
        }
    };
    let _ = writeln!(
        html,
        "<figure>\n<figcaption>{}</figcaption>\n<div class=\"scroll\" tabindex=\"0\"><table>",
        escape(table.title())
    );
    html.push_str("<thead><tr>");
    for (column, head) in table.columns().iter().enumerate() {
        let _ = write!(
            html,
            "<th scope=\"col\"{}>{}</th>",
            class(column),
            escape(head)
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in table.rows() {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let (tag, scope) = if column == 0 {
                ("th", " scope=\"row\"")
            } else {
                ("td", "")
            };
            let _ = write!(
                html,
                "<{tag}{scope}{}>{}</{tag}>",
                class(column),
                render_cell(cell)
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n");
    if let Some(note) = table.reading() {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(note));
    }
    html.push_str("</figure>\n");
}

fn render_cell(cell: &Cell) -> String {
    match cell {
        Cell::Number { value, unit } if !unit.is_empty() => {
            let number = Cell::number(*value, "");
            format!("{number} <span class=\"unit\">{}</span>", escape(unit))
        }
        cell => escape(&cell.to_string()),
    }
}

fn render_plot(html: &mut String, plot: &Plot) -> Result<(), LabError> {
    let _ = writeln!(
        html,
        "<figure>\n<figcaption>{}</figcaption>",
        escape(plot.title())
    );
    let legend = plot.legend();
    if legend.len() > 1 {
        html.push_str("<ul class=\"legend\">");
        for (name, colour) in legend {
            let _ = write!(
                html,
                "<li><i style=\"background:{colour}\"></i>{}</li>",
                escape(name)
            );
        }
        html.push_str("</ul>\n");
    }
    let _ = writeln!(
        html,
        "<div class=\"scroll\" tabindex=\"0\">{}</div>\n</figure>",
        plot.svg()?
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, Bar, Line, Scale};

    fn page() -> String {
        let mut table = Table::new("a < b", ["name", "cost"]).note("mind the \"gap\" & the rest");
        table.push([
            Cell::text("<script>alert(1)</script>"),
            Cell::number(1.5, "ns/op"),
        ]);
        let axis = || Axis::new("x", Scale::Linear);
        let lines = vec![
            Line::new("<b>", vec![(0.0, 1.0), (1.0, 2.0)]),
            Line::new("c", vec![(0.0, 1.0)]),
        ];
        let one = Report::new("core", "about")
            .table(table)
            .plot(Plot::lines("lines", axis(), axis(), lines))
            .plot(Plot::bars("bars", axis(), vec![Bar::new("a&b", 3.0)]));
        render("The lab", "one core", &[one, Report::new("cache", "next")])
            .expect("all charts can be drawn")
    }

    #[test]
    fn the_page_is_well_formed() {
        let page = page();
        let body = page.strip_prefix("<!DOCTYPE html>").expect("an HTML page");
        let document = roxmltree::Document::parse(body).expect("well-formed");
        let sections: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("section"))
            .collect();
        assert_eq!(
            sections
                .iter()
                .filter_map(|node| node.attribute("id"))
                .collect::<Vec<_>>(),
            ["core", "cache"]
        );
        assert!(
            !document
                .descendants()
                .any(|node| node.has_tag_name("script"))
        );
        let cell = document
            .descendants()
            .find(|node| node.text() == Some("<script>alert(1)</script>"));
        assert!(cell.is_some(), "markup in data comes out as text");
    }

    #[test]
    fn the_page_fetches_nothing() {
        let page = page().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for foreign in [
            "http:", "https:", "src=", "url(", "@import", "<link", "<script",
        ] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
