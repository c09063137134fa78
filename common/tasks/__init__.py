"""What the exported answer of each task means: records to read, pictures to look at.

A task is a module here.  It names what it reads (`INPUT`: picture, text, table, sound or tensors) and the score that an
answer needs unless told otherwise (`THRESHOLD`), turns the outputs of a batch into records
(`records(outputs, labels, threshold)`), and, where there is something to look at, draws them (`draw(image, records)`).
"""
