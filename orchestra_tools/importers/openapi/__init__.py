"""An OpenAPI document becomes the operations of an entry. Pure: nothing is fetched, nothing outside it is read.

document = read_openapi_document(data, source="openapi.json")
imported = import_openapi(document, source="openapi.json", url="https://api.example.com/openapi.json")
imported.operations["search"]       # the operation as it stands in a ledger document
imported.skipped                    # each operation that could not be taken, with its pointer and the reason

Each operation of `paths` stands in one of the two, once. What one operation gets wrong is never another's loss.
"""

from orchestra_tools.importers.openapi.identifiers import Listed
from orchestra_tools.importers.openapi.imported import ImportedOperation, OpenApiImport, Skipped
from orchestra_tools.importers.openapi.importing import import_openapi
from orchestra_tools.importers.openapi.reading import read_openapi_document
from orchestra_tools.importers.openapi.selection import Select, select_by

__all__ = [
    "ImportedOperation",
    "Listed",
    "OpenApiImport",
    "Select",
    "Skipped",
    "import_openapi",
    "read_openapi_document",
    "select_by",
]
