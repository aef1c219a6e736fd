//! The columns of the container list, in order. Heads, sorting, the settings and the number of columns follow from this table.
//! The cells are in `row.rs`, and their widths in `style/views/containers.css`.

use crate::{client::ContainerColumn, model::Column};

pub struct ListedColumn {
    pub sort: ContainerColumn,
    /// The CSS class of its cells.
    pub class: &'static str,
    /// The CSS classes of its head.
    pub head_class: &'static str,
    /// The text of its head, in English.
    pub head: &'static str,
    /// `None` if it is always visible.
    pub hideable: Option<Hideable>,
}

#[derive(Clone, Copy)]
pub struct Hideable {
    pub column: Column,
    /// The label in the settings, in English.
    pub label: &'static str,
}

pub const COLUMNS: [ListedColumn; 12] = [
    always(ContainerColumn::State, "state", "State"),
    always(ContainerColumn::Name, "name", "Name"),
    hideable(ContainerColumn::Image, "image", "Image", Column::Image, "Image"),
    hideable(ContainerColumn::Ports, "ports", "Ports", Column::Ports, "Ports"),
    hideable(ContainerColumn::Networks, "nets", "Networks", Column::Networks, "Networks"),
    number(ContainerColumn::Cpu, ("cpu", "cpu number"), "CPU", Column::Cpu, "CPU"),
    number(ContainerColumn::Memory, ("mem", "mem number"), "Memory", Column::Memory, "Memory"),
    number(ContainerColumn::NetworkIo, ("netio", "netio number"), "Network /s", Column::NetworkIo, "Network I/O"),
    number(ContainerColumn::BlockIo, ("blockio", "blockio number"), "Block I/O /s", Column::BlockIo, "Block I/O"),
    number(ContainerColumn::Pids, ("pids", "pids number"), "PIDs", Column::Pids, "PIDs"),
    hideable(ContainerColumn::Created, "made", "Created", Column::Created, "Created"),
    hideable(ContainerColumn::Status, "age", "Status", Column::Status, "Status"),
];

const fn always(sort: ContainerColumn, class: &'static str, head: &'static str) -> ListedColumn {
    ListedColumn { sort, class, head_class: class, head, hideable: None }
}

const fn hideable(
    sort: ContainerColumn,
    class: &'static str,
    head: &'static str,
    column: Column,
    label: &'static str,
) -> ListedColumn {
    ListedColumn { hideable: Some(Hideable { column, label }), ..always(sort, class, head) }
}

const fn number(
    sort: ContainerColumn,
    (class, head_class): (&'static str, &'static str),
    head: &'static str,
    column: Column,
    label: &'static str,
) -> ListedColumn {
    ListedColumn { head_class, ..hideable(sort, class, head, column, label) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_order_and_each_hideable_column_is_listed_once() {
        for sort in ContainerColumn::ALL {
            assert_eq!(COLUMNS.iter().filter(|it| it.sort == sort).count(), 1, "{}", sort.as_str());
        }
        for column in Column::ALL {
            let listed = COLUMNS.iter().filter(|it| it.hideable.is_some_and(|it| it.column == column));
            assert_eq!(listed.count(), 1, "{column:?}");
        }
    }
}
