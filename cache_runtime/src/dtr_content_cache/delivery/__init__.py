"""One flight for each blob that is not on the volume; any number of readers, each at its own pace.

This room owns what happens between "the blob is not here" and "its last byte was handed to every reader": one upstream
transfer for all of them, resuming, the verdict on the bytes. It does not know HTTP's server side or who may read. Rule
for editors: between the question whether a flight exists and its creation there is no await; that is the whole lock.
"""
