"""Entries are made and kept current by API documents: fetched, imported, held against what the entry says, merged.

done = import_document(data, netuid=22, source="openapi.json")
done.entry, done.report.to_json(), done.changes
"""

from orchestra_tools.updates.changes import Changed, ChangeSet
from orchestra_tools.updates.documents import Fetched, fetch_document
from orchestra_tools.updates.importing import Import, Report, import_document

__all__ = ["ChangeSet", "Changed", "Fetched", "Import", "Report", "fetch_document", "import_document"]
