import plotly.graph_objects as go

labels = ['Budget', 'Staff', 'Travel', 'Tools', 'Engineers', 'Designers', 'Support', 'Flights', 'Hotels', 'Cloud', 'Licences']
parents = ['', 'Budget', 'Budget', 'Budget', 'Staff', 'Staff', 'Staff', 'Travel', 'Travel', 'Tools', 'Tools']
values = [100, 58, 16, 26, 34, 14, 10, 9, 7, 18, 8]

fig = go.Figure(go.Sunburst(
    labels=labels,
    parents=parents,
    values=values,
    branchvalues='total',
    insidetextorientation='radial',
    marker=dict(line=dict(color='white', width=2)),
))
fig.update_layout(margin=dict(t=10, l=10, r=10, b=10), width=620, height=620,
                  colorway=['#4e79a7', '#f28e2b', '#59a14f'])
fig.write_image('sunburst.png')
