"""Does with tableauserverclient what people do with it, against the server in argv.

Arguments: server, small.hyper, more.hyper, large.hyper, keys.hyper, folder for downloads. It
fails at the first surprise; what the server holds afterwards is for the caller to look at.
"""

import os
import sys
import uuid
import zipfile

import tableauserverclient as TSC

server_url, small, more, large, keys, folder = sys.argv[1:]

server = TSC.Server(server_url, use_server_version=True)
auth = TSC.PersonalAccessTokenAuth("nightly", "s3cr3t/of+the==token", site_id="marketing")
with server.auth.sign_in(auth):
    assert server.version == "3.28", server.version

    projects = list(TSC.Pager(server.projects))
    sales = next(p for p in projects if p.name == "Sales")
    nightly = next(p for p in projects if p.name == "Nightly")
    assert nightly.parent_id == sales.id
    made = server.projects.create(TSC.ProjectItem("Made by TSC", parent_id=sales.id))
    assert made.parent_id == sales.id

    def item(name):
        return TSC.DatasourceItem(nightly.id, name=name)

    published = server.datasources.publish(item("Small items"), small, TSC.Server.PublishMode.CreateNew)
    assert published.id and published.project_id == nightly.id
    try:
        server.datasources.publish(item("Small items"), small, TSC.Server.PublishMode.CreateNew)
        raise AssertionError("published twice")
    except TSC.ServerResponseError as error:
        assert error.code == "403007", error.code

    options = TSC.RequestOptions()
    options.filter.add(TSC.Filter(TSC.RequestOptions.Field.Name, TSC.RequestOptions.Operator.Equals, "Small items"))
    found, page = server.datasources.get(options)
    assert [d.id for d in found] == [published.id] and page.total_available == 1

    job = server.datasources.publish(item("Small items"), more, TSC.Server.PublishMode.Append, as_job=True)
    server.jobs.wait_for_job(job, timeout=60)

    job = server.datasources.publish(item("Large"), large, TSC.Server.PublishMode.Overwrite, as_job=True)
    assert job.type == "PublishDatasource"
    server.jobs.wait_for_job(job, timeout=60)

    match = {"op": "eq", "source-col": "id", "target-col": "id"}
    table = {"target-schema": "Extract", "target-table": "Extract", "source-schema": "Extract", "source-table": "Extract"}
    request_id = str(uuid.uuid4())
    for _ in range(2):  # the same request twice is one change
        job = server.datasources.update_hyper_data(
            published.id, request_id=request_id, actions=[{"action": "insert", **table}], payload=more)
        job = server.jobs.wait_for_job(job, timeout=60)
        assert job.datasource_id == published.id

    server.datasources.populate_connections(published)
    job = server.datasources.update_hyper_data(
        published.connections[0], request_id=str(uuid.uuid4()),
        actions=[{"action": "delete", "condition": match, **table}], payload=keys)
    server.jobs.wait_for_job(job, timeout=60)

    bad = [{"action": "delete", "target-schema": "Extract", "target-table": "Nope",
            "condition": {"op": "eq", "target-col": "id", "const": {"type": "integer", "v": "1"}}}]
    try:
        server.jobs.wait_for_job(
            server.datasources.update_hyper_data(published.id, request_id=str(uuid.uuid4()), actions=bad), timeout=60)
        raise AssertionError("updated a table that does not exist")
    except TSC.server.endpoint.exceptions.JobFailedException as error:
        assert "Extract.Nope" in " ".join(error.job.notes), error.job.notes

    # What is said about a data source.
    published = server.datasources.get_by_id(published.id)
    published.tags.update({"sales", "every night", "a,b"})
    published.description, published.certified, published.certification_note = "items", True, "looked at"
    published.owner_id = next(u for u in TSC.Pager(server.users) if u.name == "colleague").id
    server.datasources.update(published)
    server.datasources.delete_tags(published, "sales")
    server.datasources.publish(item("Small items"), small, TSC.Server.PublishMode.Overwrite)
    again = server.datasources.get_by_id(published.id)
    assert again.tags == {"every night", "a,b"}, again.tags
    assert (again.description, again.certified, again.certification_note) == ("items", True, "looked at")
    assert again.owner_id == published.owner_id

    # Downloads and revisions: of the current one and of all others.
    server.datasources.populate_revisions(again)
    assert [(r.revision_number, r.current) for r in again.revisions] == [("1", False), ("2", False), ("3", True)]
    assert again.revisions[0].user_name == "publisher" and again.revisions[0].created_at
    changed = server.datasources.download_revision(again.id, "2", folder)
    current = server.datasources.download(again.id, os.path.join(folder, "current"))
    assert os.path.basename(changed) == "Small items.tdsx" and os.path.basename(current) == "current.tdsx"
    for path, into in ((changed, "changed.hyper"), (current, "current.hyper")):
        with zipfile.ZipFile(path) as archive, open(os.path.join(folder, into), "wb") as file:
            extract = [name for name in archive.namelist() if name.endswith(".hyper")]
            assert extract == ["Data/Extracts/Small items.hyper"], archive.namelist()
            file.write(archive.read(extract[0]))
    assert server.datasources.download(again.id, os.path.join(folder, "bare"), include_extract=False).endswith("bare.tds")

    # What depends on it.
    book = next(w for w in TSC.Pager(server.workbooks) if w.name == "Book")
    assert book.project_id == nightly.id
    server.jobs.wait_for_job(server.workbooks.refresh(book), timeout=60)
    flow = next(f for f in TSC.Pager(server.flows) if f.name == "Clean")
    server.jobs.wait_for_job(server.flows.refresh(flow), timeout=60)
    task = TSC.TaskItem("task-1", TSC.TaskItem.Type.ExtractRefresh, 1)
    assert b"<job " in server.tasks.run(task)

    doomed = server.datasources.publish(item("Doomed"), small, TSC.Server.PublishMode.CreateNew)
    server.datasources.delete(doomed.id)
    try:
        server.datasources.get_by_id(doomed.id)
        raise AssertionError("deleted, but there")
    except TSC.ServerResponseError as error:
        assert error.code == "404004", error.code

print("done")
