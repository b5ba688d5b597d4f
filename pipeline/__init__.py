"""The steps from a folder of videos to scores, reports and benchmark tables, and their files.

Each folder imports only those before it:

- `files`: the files of a run, written atomically
- `videos`: finds videos and names them
- `truth`: annotations, frame counts and named protocols
- `extraction`: videos to feature files, on one machine or many
- `features`: all formats of feature sets behind one interface
- `steps`: labels, detector, scores
- `report`: events, plots, clips and the page
- `evaluation`: scores against annotations
- `benchmark`: the paper's tables on whole data sets
- `settings`, `clip_settings`: settings of a run and of clips
- `run`, `looking`, `demo`, `demo_videos`: all steps in order
- `machine`: what is installed and what the machine can do
- `watch`, `notify`: the same for videos as they arrive
- `cli`: the command line
"""
